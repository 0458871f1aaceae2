#!/usr/bin/env python3
"""How long a partition cannot be written when its leader fails.

usage: failover.py [--rounds N] [--kafka-rounds N] [--only WORD,...]
                   [--json FILE]

Three nodes, a topic of one partition with three replicas, acks=all,
min.insync.replicas=2. Every round makes the leader fail in one way, waits for
the first acknowledgement of a record that was sent after that, by two clients:

  raw      asks every node every few milliseconds: the cluster's own time
  client   an idempotent producer of librdkafka that is quick to try again

and heals the cluster. With --kafka-rounds the same is asked of three nodes of
Apache Kafka, from the jars that tools/clients.sh brought. Exit code 0, or 1 if a
round did not come to an end; the figures are for people to judge.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

from load import History, Writer, now_ns
from nodes import Cluster, Failed, check, until, wire

TOPIC = "failover"


class KafkaCluster(Cluster):
    """The same of Apache Kafka; each node broker and controller."""

    clean_codes = (0, 143)  # Java's, at SIGTERM

    def __init__(self, folder, count=3):
        super().__init__(folder, count)
        jars = os.path.join(os.environ["MILLRACE_CLIENTS"], "java.classpath")
        with open(jars) as file:
            self.java = ["java", "-Xmx1g", "-Xms256m", "-cp",
                         file.read().strip()]
        for node in self.nodes.values():
            self.prepare(node)

    def prepare(self, node):
        os.makedirs(node.folder)
        controllers = ",".join(f"{n.number}@127.0.0.1:{n.cluster}"
                               for n in self.nodes.values())
        lines = {
            "process.roles": "broker,controller", "node.id": node.number,
            "controller.quorum.voters": controllers,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{node.kafka},"
                         f"CONTROLLER://127.0.0.1:{node.cluster}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{node.kafka}",
            "log.dirs": os.path.join(node.folder, "data"), **self.settings}
        with open(self.properties(node), "w") as file:
            file.writelines(f"{k}={v}\n" for k, v in lines.items())
        subprocess.run(
            [*self.java, "kafka.tools.StorageTool", "format", "-t",
             "AAAAAAAAAAAAAAAAAAAAAQ", "-c", self.properties(node)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def properties(node):
        return os.path.join(node.folder, "server.properties")

    def command(self, node):
        return [*self.java, "kafka.Kafka", self.properties(node)]


class Prober:
    """Produces one record after the other at each node by turns of its own;
    whoever leads acknowledges."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.acks = []  # (begin, end) in ns
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(node,),
                                         daemon=True)
                        for node in cluster.nodes.values()]
        for thread in self.threads:
            thread.start()

    def run(self, node):
        client = None
        while not self.stopping.is_set():
            try:
                if client is None:
                    # For connecting; a produce may wait for its replicas.
                    client = wire.Client(node.told_kafka, 0.3)
                    client.socket.settimeout(8)
                begin = now_ns()
                code, _, _ = client.produce(
                    TOPIC, wire.batch([wire.record(value=b"p")]))
                if code == 0:
                    self.acks.append((begin, now_ns()))
            except (OSError, wire.Closed):
                if client:
                    client.socket.close()
                client = None
            self.stopping.wait(0.005)

    def acknowledged_after(self, moment_ns):
        ends = [end for begin, end in list(self.acks) if begin > moment_ns]
        return min(ends, default=None)

    def end(self):
        self.stopping.set()
        for node in self.cluster.nodes.values():
            if node.stopped:
                self.cluster.resume(node.number)
        for thread in self.threads:
            thread.join(20)


def gaps(acks, begin, end):
    """The longest silence between acknowledgements, in seconds."""
    times = sorted(t for _, t in acks if begin <= t <= end)
    return max((b - a for a, b in zip(times, times[1:])), default=0) / 1e9


class Measurement:
    def __init__(self, cluster, folder):
        self.cluster = cluster
        cluster.start_all()
        cluster.create_topic(TOPIC, 1, 3, min_insync_replicas=2)
        cluster.await_in_sync(TOPIC, 1, 3)
        self.prober = Prober(cluster)
        self.history = History(os.path.join(folder, "history"))
        self.writer = Writer(cluster.bootstrap, TOPIC, 1, self.history, 1,
                             per_second=500,
                             settings={"request.timeout.ms": 500,
                                       "socket.timeout.ms": 700})
        self.await_both(now_ns(), 60)

    def await_both(self, moment, seconds=60):
        """(raw, client) in seconds from the moment."""
        until(lambda: self.prober.acknowledged_after(moment)
              and self.writer.acknowledged_after(moment), seconds,
              "a record is acknowledged")
        return [(who.acknowledged_after(moment) - moment) / 1e9
                for who in (self.prober, self.writer)]

    def healed(self):
        self.cluster.await_in_sync(TOPIC, 1, 3)
        self.await_both(now_ns())
        return self.cluster.await_leader(TOPIC)

    def killed(self):
        leader = self.healed()
        moment = now_ns()
        self.cluster.kill(leader)
        taken = self.await_both(moment)
        self.cluster.start(leader)
        return taken

    def frozen(self):
        leader = self.healed()
        moment = now_ns()
        self.cluster.pause(leader)
        taken = self.await_both(moment)
        self.cluster.resume(leader)
        return taken

    def planned(self):
        """The longest silence while the leader stops as it should."""
        leader = self.healed()
        begin = now_ns()
        self.cluster.stop(leader)
        self.await_both(now_ns())
        end = now_ns()
        self.cluster.start(leader)
        return [gaps(self.prober.acks, begin, end),
                gaps(self.writer.acks, begin, end)]

    def follower(self):
        """The longest silence when a follower freezes."""
        leader = self.healed()
        number = next(n for n in self.cluster.nodes if n != leader)
        begin = now_ns()
        self.cluster.pause(number)
        threading.Event().wait(4)
        self.await_both(now_ns())
        end = now_ns()
        self.cluster.resume(number)
        return [gaps(self.prober.acks, begin, end),
                gaps(self.writer.acks, begin, end)]

    def end(self):
        self.prober.end()
        self.writer.stopping.set()
        self.writer.join()


WAYS = {"killed": "leader killed (kill -9)",
        "frozen": "leader frozen (SIGSTOP)",
        "planned": "leader stopped cleanly",
        "follower": "follower frozen (SIGSTOP)"}


def summary(values):
    values = sorted(values)
    return {"p50": statistics.median(values),
            "p99": values[min(len(values) - 1, int(len(values) * 0.99))],
            "worst": values[-1], "rounds": len(values)}


def measure(name, cluster, folder, ways, rounds):
    found = []
    with cluster:
        measurement = Measurement(cluster, folder)
        for way in ways:
            taken = []
            for _ in range(rounds):
                taken.append(getattr(measurement, way)())
                print(f"{name} {way}: raw {taken[-1][0]:.3f} s, client "
                      f"{taken[-1][1]:.3f} s", file=sys.stderr, flush=True)
            for which, client in enumerate(("raw", "client")):
                found.append({"server": name, "way": WAYS[way],
                              "client": client,
                              **summary([t[which] for t in taken])})
        measurement.end()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kafka-rounds", type=int, default=0)
    parser.add_argument("--only", default=",".join(WAYS))
    parser.add_argument("--json")
    options = parser.parse_args()
    ways = options.only.split(",")
    check(set(ways) <= set(WAYS), f"the ways are {' '.join(WAYS)}")
    found = []
    for name, kind, rounds in (
            ("Millrace", Cluster, options.rounds),
            ("Kafka", KafkaCluster, options.kafka_rounds)):
        if not rounds:
            continue
        folder = tempfile.mkdtemp(prefix="millrace-failover-")
        try:
            found += measure(name, kind(folder), folder, ways, rounds)
        except Failed as why:
            sys.exit(f"FAIL: {name}: {why}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print("| what | server | first acknowledgement by | p50 s | p99 s | "
          "worst s | rounds |\n|---|---|---|---|---|---|---|")
    for f in sorted(found, key=lambda f: list(WAYS.values()).index(f["way"])):
        print(f"| {f['way']} | {f['server']} | {f['client']} | "
              f"{f['p50']:.3f} | {f['p99']:.3f} | {f['worst']:.3f} | "
              f"{f['rounds']} |")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=2)


if __name__ == "__main__":
    main()
