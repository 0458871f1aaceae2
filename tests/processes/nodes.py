"""A cluster of real `millrace serve` processes on loopback."""
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bad_input"))
import wire  # noqa: E402

TOPIC_ALREADY_EXISTS = 36
LONG = os.environ.get("MILLRACE_LONG") == "1"


class Failed(AssertionError):
    """What a test has found."""


def check(condition, sentence):
    if not condition:
        raise Failed(sentence)


@contextlib.contextmanager
def test_folder(name):
    """Where a test keeps its files; what it finds ends it with a sentence."""
    folder = tempfile.mkdtemp(prefix=f"millrace-{name}-")
    try:
        yield folder
    except Failed as why:
        sys.exit(f"FAIL: {why}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def until(condition, seconds, sentence):
    """Waits until it holds, and gives what it came to."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        check(time.monotonic() < end, f"{sentence} within {seconds} s")
        threading.Event().wait(0.02)


def free_ports(count):
    """Below those that the system gives to connections, one of which might
    take it before its node does."""
    held = []
    while len(held) < count:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.randrange(12000, 32000)))
            held.append(s)
        except OSError:
            s.close()
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Proxy:
    """See proxy.py."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(HERE, "proxy.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        check("error" not in answer, f"the proxy: {answer.get('error')}")

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class Node:
    def __init__(self, number, folder, kafka, cluster):
        self.number, self.folder = number, folder
        self.log_dirs = [folder]
        self.kafka, self.cluster = kafka, cluster  # where it listens
        self.told_kafka, self.told_cluster = kafka, cluster
        self.http = None  # a port, or nowhere
        self.process = None
        self.stopped = False  # by SIGSTOP
        self.settings = {}

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log_path(self):
        return f"{self.folder}.log"

    def signal(self, what):
        self.process.send_signal(what)

    def metric(self, name):
        """Its value on the node's metrics page."""
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.http}/metrics", timeout=5) as page:
            for line in page.read().decode().splitlines():
                if line.startswith(name + " "):
                    return int(line.split()[1])
        raise Failed(f"node {self.number} has no metric {name}")


class Cluster:
    """Nodes 1..count.

    @param controllers how many of them, the first ones, are controllers;
    without it all
    @param proxied whether all connections, those of clients too, go through
    a proxy that can cut and delay them
    @param http whether their metrics can be asked for
    """

    clean_codes = (0,)  # of a process that was asked to end

    def __init__(self, folder, count=3, proxied=False, settings=None,
                 controllers=None, http=False):
        self.folder = folder
        self.controllers = controllers or count
        self.proxy = Proxy() if proxied else None
        self.settings = {
            "default.replication.factor": min(count, 3),
            "min.insync.replicas": 2 if count > 2 else 1,
            "offsets.topic.replication.factor": min(count, 3),
            "offsets.topic.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            **(settings or {})}
        ports = free_ports(5 * count)
        self.nodes = {}
        for i in range(count):
            number = i + 1
            node = Node(number, os.path.join(folder, str(number)),
                        ports[4 * i], ports[4 * i + 1])
            if proxied:
                node.told_kafka, node.told_cluster = ports[4 * i + 2:4 * i + 4]
                for port, target in ((node.told_kafka, node.kafka),
                                     (node.told_cluster, node.cluster)):
                    self.proxy.ask(do="listen", name=str(number), port=port,
                                   target=target)
            self.nodes[number] = node
            if http:
                node.http = ports[4 * count + i]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.tell_logs()
        self.end()

    # -- processes ----------------------------------------------------------

    def command(self, node):
        controllers = ",".join(f"{n.number}@127.0.0.1:{n.told_cluster}"
                               for n in self.nodes.values()
                               if n.number <= self.controllers)
        settings = {
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.told_kafka}",
            "millrace.cluster.advertised.listener":
                f"127.0.0.1:{node.told_cluster}",
            **self.settings, **node.settings}
        words = [os.environ["MILLRACE_BINARY"], "serve",
                 "--node-id", str(node.number), "--data-dir", ",".join(node.log_dirs),
                 "--kafka", f"127.0.0.1:{node.kafka}",
                 "--http", f"127.0.0.1:{node.http}" if node.http else "off",
                 "--cluster", f"127.0.0.1:{node.cluster}",
                 "--controllers", controllers]
        for key, value in settings.items():
            words += ["--set", f"{key}={value}"]
        return words

    def start(self, number):
        node = self.nodes[number]
        check(not node.running, f"node {number} does not run yet")
        self.launch(node, self.command(node))
        if self.proxy:
            self.proxy.ask(do="process", name=str(number),
                           pid=node.process.pid)

    @staticmethod
    def launch(node, command):
        with open(node.log_path, "ab") as log:
            node.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        node.stopped = False

    def start_all(self):
        for number in self.nodes:
            self.start(number)
        self.await_brokers()

    def kill(self, number):
        node = self.nodes[number]
        check(node.running, f"node {number} has ended by itself")
        node.signal(signal.SIGKILL)
        node.process.wait()

    def stop(self, number):
        """Cleanly, as an operator does it."""
        node = self.nodes[number]
        check(node.running, f"node {number} has ended by itself")
        node.signal(signal.SIGTERM)
        try:
            code = node.process.wait(60)
        except subprocess.TimeoutExpired:
            raise Failed(f"node {number} does not stop") from None
        check(code in self.clean_codes,
              f"node {number} stops cleanly, not with {code}")

    def pause(self, number):
        self.nodes[number].signal(signal.SIGSTOP)
        self.nodes[number].stopped = True

    def resume(self, number):
        self.nodes[number].signal(signal.SIGCONT)
        self.nodes[number].stopped = False

    def check_alive(self):
        for node in self.nodes.values():
            check(node.running, f"node {node.number} has ended by itself")

    def end(self):
        for node in self.nodes.values():
            if node.running:
                node.process.kill()
                node.process.wait()
        if self.proxy:
            self.proxy.end()
            self.proxy = None

    def tell_logs(self):
        for node in self.nodes.values():
            if not os.path.exists(node.log_path):
                continue
            with open(node.log_path, errors="replace") as log:
                lines = log.read().splitlines()
            print(f"--- node {node.number}: the end of its log")
            print("\n".join(lines[-40:]), flush=True)

    # -- the network --------------------------------------------------------

    def cut(self, *pairs, one_way=False):
        """Pairs of names ("1", "client"); none heals all."""
        ways = [[str(a), str(b)] for a, b in pairs]
        if not one_way:
            ways += [[b, a] for a, b in ways]
        self.proxy.ask(do="cut", ways=ways)

    def isolate(self, number, clients=True):
        others = [n for n in self.nodes if n != number]
        self.cut(*((number, other) for other in others),
                 *([(number, "client")] if clients else []))

    def heal(self):
        self.proxy.ask(do="cut", ways=[])

    def delay(self, milliseconds):
        """Between all nodes, both ways."""
        self.proxy.ask(do="delay", ways=[
            [str(a), str(b), milliseconds] for a in self.nodes
            for b in self.nodes if a != b])

    # -- what the nodes say -------------------------------------------------

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{n.told_kafka}"
                        for n in self.nodes.values())

    def live(self):
        return [n for n in self.nodes.values() if n.running and not n.stopped]

    def metadata(self, number, topics=None, timeout=2):
        """As one node sees it: (broker ids, {topic: {partition: {...}}});
        None where it does not answer."""
        try:
            with wire.Client(self.nodes[number].told_kafka,
                             timeout) as client:
                return read_metadata(client, topics)
        except (OSError, wire.Closed):
            return None

    def any_metadata(self, topics=None):
        for node in self.live():
            found = self.metadata(node.number, topics)
            if found:
                return found
        return None

    def await_brokers(self, count=None, seconds=60):
        """Until every running node knows that many brokers."""
        wanted = count or len(self.live())

        def known():
            self.check_running()
            return all((found := self.metadata(n.number, [])) is not None
                       and len(found[0]) == wanted for n in self.live())
        until(known, seconds, f"every node knows {wanted} brokers")

    def check_running(self):
        for node in self.nodes.values():
            check(node.process is None or node.process.returncode is not None
                  or node.process.poll() is None,
                  f"node {node.number} has ended by itself")

    def partition(self, topic, index=0):
        """What the metadata says of it, or None."""
        found = self.any_metadata([topic])
        return found and found[1].get(topic, {}).get(index)

    def await_leader(self, topic, index=0, but=None, seconds=30):
        def led():
            p = self.partition(topic, index)
            return (p if p and p["leader"] > 0 and p["leader"] != but
                    else None)
        return until(led, seconds, f"{topic}/{index} has a leader")["leader"]

    def await_in_sync(self, topic, partitions, count, seconds=60):
        def full():
            found = self.any_metadata([topic])
            return found and all(
                len(found[1].get(topic, {}).get(i, {"isr": []})["isr"])
                == count for i in range(partitions))
        until(full, seconds, f"every partition of {topic} has {count} "
                             "replicas in sync")

    def ask_for_topic(self, name, partitions, factor, **configs):
        """Through any node; again until there is a controller."""
        def made():
            for node in self.live():
                try:
                    with wire.Client(node.told_kafka, 10) as client:
                        code = create_topic(
                            client, name, partitions, factor, configs)
                except (OSError, wire.Closed):
                    continue
                if code in (0, TOPIC_ALREADY_EXISTS):
                    return True
            return False
        until(made, 60, f"topic {name} can be made")

    def create_topic(self, name, partitions, factor, **configs):
        """Until every node knows it."""
        self.ask_for_topic(name, partitions, factor, **configs)
        until(lambda: all(
            (found := self.metadata(n.number, [name])) is not None
            and len(found[1].get(name, {})) == partitions
            for n in self.live()), 30, f"every node knows topic {name}")


def create_topic(client, name, partitions, factor, configs):
    entries = [wire.string(k.replace("_", ".")) + wire.string(str(v))
               for k, v in configs.items()]
    answer = client.request(wire.CREATE_TOPICS, 2, wire.array(
        [wire.string(name) + wire.i32(partitions) + wire.i16(factor)
         + wire.array([]) + wire.array(entries)]) + wire.i32(5000)
        + wire.i8(0))
    answer.number("i"), answer.number("i"), answer.string()
    return answer.number("h")


def read_metadata(client, topics):
    """Metadata v7: the first with leader epochs."""
    wanted = (wire.i32(-1) if topics is None
              else wire.array([wire.string(t) for t in topics]))
    answer = client.request(wire.METADATA, 7, wanted + wire.i8(0))
    answer.number("i")  # throttled for
    brokers = {}
    for _ in range(answer.number("i")):
        number, host = answer.number("i"), answer.string()
        brokers[number] = (host, answer.number("i"))
        answer.string()  # rack
    answer.string(), answer.number("i")  # cluster, controller
    found = {}
    for _ in range(answer.number("i")):
        code, name = answer.number("h"), answer.string()
        answer.number("b")
        partitions = {}
        for _ in range(answer.number("i")):
            answer.number("h")
            index, leader = answer.number("i"), answer.number("i")
            epoch = answer.number("i")
            lists = [[answer.number("i") for _ in range(answer.number("i"))]
                     for _ in range(3)]
            partitions[index] = {
                "leader": leader, "epoch": epoch, "replicas": lists[0],
                "isr": lists[1], "offline": lists[2]}
        if code == 0:
            found[name] = partitions
    return brokers, found
