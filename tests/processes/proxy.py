#!/usr/bin/env python3
"""A network between real processes that can be cut, frozen and slowed down.

Reads commands as lines of JSON from stdin and answers each with one line:

  {"do": "listen", "name": "1", "port": P, "target": T}
                              what connects to P is passed on to T, node "1"
  {"do": "process", "name": "2", "pid": N}
                              whose connections these are; of anyone else's
                              the near end is "client"
  {"do": "cut", "ways": [["1", "2"], ...]}
                              bytes of these directions stay where they are,
                              FIN included, until another list leaves them out
  {"do": "delay", "ways": [["1", "2", 50], ...]}
                              milliseconds, instead of all that was said before

A cut is what lost packets are to TCP: no end learns of it, and what was sent
arrives when it is over. It ends with its stdin.
"""
import asyncio
import json
import os
import sys

CHUNK = 1 << 18
HELD_MAX = 64  # chunks under way in one direction


class Network:
    def __init__(self):
        self.names = {}  # by process id
        self.ways_cut = set()
        self.delays = {}
        self.changed = asyncio.Event()
        self.servers = []

    def change(self):
        self.changed.set()
        self.changed = asyncio.Event()

    async def gate(self, way):
        while way in self.ways_cut:
            await self.changed.wait()

    def name_of(self, own_port, peer_port):
        """Whose process has the other end of a connection on loopback."""
        inode = find_inode(peer_port, own_port)
        for pid, name in self.names.items():
            if inode and has_socket(pid, inode):
                return name
        return "client"

    async def listen(self, name, port, target):
        async def accept(reader, writer):
            try:
                await self.carry(name, target, reader, writer)
            finally:
                writer.close()
        self.servers.append(await asyncio.start_server(
            accept, "127.0.0.1", port, limit=CHUNK))

    async def carry(self, name, target, reader, writer):
        own = writer.get_extra_info("sockname")[1]
        peer = writer.get_extra_info("peername")[1]
        near = self.name_of(own, peer)
        await self.gate((near, name))
        try:
            onward = await asyncio.open_connection(
                "127.0.0.1", target, limit=CHUNK)
        except OSError:
            writer.transport.abort()
            return
        ways = [asyncio.ensure_future(way) for way in (
            self.pump((near, name), reader, onward[1]),
            self.pump((name, near), onward[0], writer))]
        try:
            await asyncio.gather(*ways)
        except OSError:
            # One end is gone: so is the connection, in both directions.
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            onward[1].transport.abort()
            writer.transport.abort()
        finally:
            onward[1].close()

    async def pump(self, way, reader, writer):
        """One direction, until its FIN has been passed on."""
        held = asyncio.Queue(HELD_MAX)
        now = asyncio.get_running_loop().time

        async def read():
            while True:
                data = await reader.read(CHUNK)
                await held.put((now() + self.delays.get(way, 0), data))
                if not data:
                    return

        async def write():
            while True:
                due, data = await held.get()
                if due > now():
                    await asyncio.sleep(due - now())
                await self.gate(way)
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        await asyncio.gather(read(), write())

    async def obey(self, command):
        do = command["do"]
        if do == "listen":
            await self.listen(
                command["name"], command["port"], command["target"])
        elif do == "process":
            self.names[command["pid"]] = command["name"]
        elif do == "cut":
            self.ways_cut = {tuple(way) for way in command["ways"]}
            self.change()
        elif do == "delay":
            self.delays = {(a, b): ms / 1000 for a, b, ms in command["ways"]}
        else:
            raise ValueError(f"no such command: {do}")


def find_inode(local_port, remote_port):
    wanted = f":{local_port:04X}", f":{remote_port:04X}"
    with open("/proc/net/tcp") as table:
        for line in table:
            fields = line.split()
            if (fields[1].endswith(wanted[0])
                    and fields[2].endswith(wanted[1])):
                return fields[9]
    return None


def has_socket(pid, inode):
    folder = f"/proc/{pid}/fd"
    try:
        entries = os.listdir(folder)
    except OSError:
        return False
    for entry in entries:
        try:
            if os.readlink(f"{folder}/{entry}") == f"socket:[{inode}]":
                return True
        except OSError:
            continue  # closed meanwhile
    return False


async def main():
    network = Network()
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    while line := await stdin.readline():
        try:
            await network.obey(json.loads(line))
            answer = {}
        except (OSError, ValueError, KeyError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
    os._exit(0)  # whatever is under way


if __name__ == "__main__":
    asyncio.run(main())
