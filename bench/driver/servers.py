"""Starts and stops the servers that are measured, each in a fresh directory
and on a free port."""
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

# ApiVersions, version 0, client id "d".
_QUESTION = struct.pack(">ihhih", 11, 18, 0, 1, 1) + b"d"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    """Whether a server on the port answers ApiVersions."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.settimeout(5)
            s.sendall(_QUESTION)
            return len(s.recv(4)) == 4
    except OSError:
        return False


class Server:
    """One process. A `with` block stops it and removes its directory."""

    deadline_s = 120
    pause_s = 0.001

    def __init__(self, name, directory):
        self.name = name
        self.directory = os.path.join(directory, name)
        self.process = None
        self.port = None

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """What must be done in the fresh directory before the start."""

    def start(self):
        """Returns the seconds from the start to the first answer."""
        self.port = free_port()
        self.prepare()
        with open(self.directory + ".out", "wb") as out:
            begin = time.monotonic()
            self.process = subprocess.Popen(
                self.command(), stdout=out, stderr=subprocess.STDOUT)
        while not answers(self.port):
            if self.process.poll() is not None \
                    or time.monotonic() - begin > self.deadline_s:
                with open(self.directory + ".out", errors="replace") as out:
                    raise RuntimeError(
                        f"{self.name} does not answer:\n{out.read()[-2000:]}")
            time.sleep(self.pause_s)
        return time.monotonic() - begin

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def __enter__(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Floor(Server):
    def __init__(self, program, directory, sync=False):
        super().__init__("floor", directory)
        self.program = program
        self.sync = sync

    def command(self):
        return [self.program, str(self.port), self.directory,
                *(["sync"] if self.sync else [])]


class Millrace(Server):
    def __init__(self, program, directory, settings=None):
        super().__init__("millrace", directory)
        self.program = program
        self.settings = settings or {}

    def command(self):
        words = [self.program, "serve", "--quiet", "--data-dir",
                 self.directory, "--kafka", f"127.0.0.1:{self.port}",
                 "--http", "off"]
        for key, value in self.settings.items():
            words += ["--set", f"{key}={value}"]
        return words


class Kafka(Server):
    """Apache Kafka, one node, from the jars that tools/clients.sh brought."""

    pause_s = 0.05

    def __init__(self, classpath, directory, flush=False, settings=None):
        super().__init__("kafka", directory)
        self.settings = settings or {}
        with open(classpath) as file:
            jars = file.read().strip()
        self.java = ["java", "-Xmx1g", "-Xms256m", "-cp", jars]
        self.flush = flush

    def properties(self):
        return os.path.join(self.directory, "server.properties")

    def prepare(self):
        controller = free_port()
        lines = {
            "process.roles": "broker,controller",
            "node.id": "0",
            "controller.quorum.voters": f"0@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},"
                         f"CONTROLLER://127.0.0.1:{controller}",
            "log.dirs": os.path.join(self.directory, "data"),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            **self.settings,
        }
        if self.flush:
            lines["log.flush.interval.messages"] = "1"
        with open(self.properties(), "w") as file:
            file.writelines(f"{k}={v}\n" for k, v in lines.items())
        subprocess.run(
            [*self.java, "kafka.tools.StorageTool", "format", "-t",
             "AAAAAAAAAAAAAAAAAAAAAQ", "-c", self.properties()],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def command(self):
        return [*self.java, "kafka.Kafka", self.properties()]
