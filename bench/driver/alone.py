"""What is measured of Millrace without a base: starting, memory, idling.

Each yields (title, unit, values, what may not be exceeded)."""
import os
import resource
import signal
import time

PARTITIONS = 10000
TOPICS = 10
IDLE_S = 5


def resident_mb(server):
    with open(f"/proc/{server.process.pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def cpu_s(server):
    """Of all threads, in the ticks of the system."""
    with open(f"/proc/{server.process.pid}/stat") as stat:
        rest = stat.read().rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def fresh(make, pairs):
    starts, memory = [], []
    for _ in range(pairs):
        with make() as server:
            starts.append(server.start())
            memory.append(resident_mb(server))
    yield "start to first answer, empty", "s", starts, 0.1
    yield "resident memory, fresh", "MB", memory, 30


def idle(make):
    with make() as server:
        server.start()
        time.sleep(1)
        before = cpu_s(server)
        time.sleep(IDLE_S)
        used = 100 * (cpu_s(server) - before) / IDLE_S
    yield f"idle CPU over {IDLE_S} s", "% of a core", [used], 0.3


def connections(make, load):
    """As many as the limit of descriptors allows, less 1,500; the design's
    18,000 at the most."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = min(18000, limit - 1500)
    with make() as server:
        server.start()
        seen = load(server, "idle", {"connections": count})
    yield (f"memory for each of {count} idle connections", "KiB",
           [seen["kib_each"]], 12)


def many_partitions(make, load):
    with make() as server:
        server.start()
        before = resident_mb(server)
        each = PARTITIONS // TOPICS
        for t in range(TOPICS):
            names = {"topic": f"many-{t}", "partitions": each}
            load(server, "create", names)
            load(server, "produce", {**names, "requests": each,
                                     "in-flight": 32, "acks": 1})
        grown = resident_mb(server) - before
        server.stop(signal.SIGKILL)
        again = server.start()
    yield f"memory for {PARTITIONS} partitions", "MB", [grown], 256
    yield (f"start to first answer, {PARTITIONS} partitions, after kill -9",
           "s", [again], 5)
