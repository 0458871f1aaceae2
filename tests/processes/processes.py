#!/usr/bin/env python3
"""Three real nodes under real clients, and what may befall them.

usage: processes.py SCENARIO...        (all of them without)

Under the load of idempotent producers and a group of consumers nodes are
killed, frozen, cut off, filled up and restarted; then everything is healed,
and all that the clients were told is judged as one history: nothing that was
acknowledged is lost, doubled or out of order. The page cache outlives a
killed process, so this cannot show a missing sync: the simulation and the
record of a node's writes are for that.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from java_load import JavaReader, JavaWriter, classpath
from load import (
    History, Reader, Writer, committed, now_ns, read_everything)
from nodes import (
    LONG, TOPIC_ALREADY_EXISTS, Cluster, Failed, check, create_topic, until,
    wire)

PARTITIONS = 6
TOPIC, GROUP = "t", "g"
NODES = int(os.environ.get("MILLRACE_NODES", "3"))
REPLICAS = min(NODES, int(os.environ.get("MILLRACE_REPLICAS", "3")))


def rounds(count):
    return count * 8 if LONG else count


def wait(seconds):
    """Time that a fault lasts; nothing is expected to have happened after."""
    threading.Event().wait(seconds)


class Trial:
    """A cluster under load, from the first record to the judgement."""

    def __init__(self, cluster, folder, with_java=False):
        self.cluster = cluster
        self.replicas = cluster.settings["default.replication.factor"]
        self.history = History(os.path.join(folder, "history"))
        cluster.start_all()
        cluster.create_topic(TOPIC, PARTITIONS, self.replicas)
        self.writers = [
            Writer(cluster.bootstrap, TOPIC, PARTITIONS, self.history, n)
            for n in (1, 2)]
        self.readers = [Reader(cluster.bootstrap, TOPIC, GROUP, self.history)
                        for _ in range(2)]
        if with_java:
            self.writers.append(JavaWriter(
                folder, cluster.bootstrap, TOPIC, PARTITIONS, self.history, 3))
            self.readers.append(JavaReader(
                folder, cluster.bootstrap, TOPIC, GROUP, self.history))
        self.await_progress(30)

    def await_progress(self, seconds, what="records are acknowledged"):
        """Until each writer has an answer to what it sends from now on."""
        began = now_ns()
        until(lambda: all(w.acknowledged_after(began) for w in self.writers),
              seconds, what)
        return (now_ns() - began) / 1e9

    def in_sync(self):
        self.cluster.await_in_sync(TOPIC, PARTITIONS, self.replicas)

    def leader(self, index=0):
        return self.cluster.await_leader(TOPIC, index)

    def finish(self):
        self.cluster.check_alive()
        self.in_sync()
        self.await_progress(30, "records are acknowledged after all")
        for writer in self.writers:
            writer.finish()
        # What the group has not read yet it reads now.
        acknowledged = self.history.acknowledged
        check(acknowledged > 100, "there was something to judge")
        read_everything(
            self.cluster.bootstrap, TOPIC, PARTITIONS, self.history)
        self.await_group()
        told = {}
        for reader in self.readers:
            reader.finish()
            for partition, offset in reader.committed.items():
                told[partition] = max(told.get(partition, -1), offset)
        kept = committed(self.cluster.bootstrap, TOPIC, GROUP, PARTITIONS)
        for partition, offset in told.items():
            check(kept.get(partition, -1) >= offset,
                  f"the group's commit of {TOPIC}/{partition} at {offset} is "
                  f"kept, and it is {kept.get(partition)}")
        failures = {}
        for writer in self.writers:
            for name, count in writer.failures.items():
                failures[name] = failures.get(name, 0) + count
        if failures:
            print(f"unanswered: {failures}")
        self.history.judge()

    def end(self):
        """Processes end with the test, whatever has come of it."""
        for client in self.writers + self.readers:
            if isinstance(client, (JavaWriter, JavaReader)):
                client.end()

    def await_group(self):
        """Until the group has committed the end of every partition."""
        ends = {}
        for writer in self.writers:
            for partition, offset in writer.ends.items():
                ends[partition] = max(ends.get(partition, 0), offset + 1)

        def done():
            kept = {}
            for reader in self.readers:
                check(reader.failed is None,
                      f"a consumer failed: {reader.failed}")
                for partition, offset in list(reader.committed.items()):
                    kept[partition] = max(kept.get(partition, 0), offset)
            return all(kept.get(p, 0) >= end for p, end in ends.items())
        until(done, 90, "the group reads everything")


def form(trial):
    """Any node takes part, and a clean stop of all keeps everything."""
    cluster = trial.cluster
    for number in cluster.nodes:
        brokers, topics = cluster.metadata(number)
        check(sorted(brokers) == sorted(cluster.nodes),
              f"node {number} knows every broker, not {brokers}")
        leaders = {p["leader"] for p in topics[TOPIC].values()}
        check(leaders == set(cluster.nodes),
              f"every node leads something, not only {leaders}")
    trial.in_sync()
    for number in cluster.nodes:
        cluster.stop(number)
    cluster.start_all()
    trial.await_progress(60)


def kill_leader(trial):
    for _ in range(rounds(4)):
        trial.in_sync()
        leader = trial.leader()
        cluster = trial.cluster
        cluster.kill(leader)
        taken = trial.await_progress(30, "the others take over")
        cluster.await_leader(TOPIC, but=leader)
        print(f"leader {leader} killed: {taken:.2f} s", flush=True)
        cluster.start(leader)


def java_clients(trial):
    """Kafka's Java client writes too, and shares the group with librdkafka.
    Leaders are killed, also one that coordinates the group."""
    cluster = trial.cluster
    for topic in (TOPIC, "__consumer_offsets", TOPIC):
        trial.in_sync()
        leader = cluster.await_leader(topic)
        cluster.kill(leader)
        taken = trial.await_progress(30, "the others take over")
        print(f"leader {leader} killed: {taken:.2f} s", flush=True)
        cluster.start(leader)


def rolling(trial):
    for number in list(trial.cluster.nodes) * rounds(1):
        trial.in_sync()
        trial.cluster.stop(number)
        trial.await_progress(30, "two nodes go on")
        trial.cluster.start(number)


def pause(trial):
    """Each node in turn: it leads some partitions, follows others, and one of
    them is the active controller. It comes back as a zombie."""
    for number in list(trial.cluster.nodes) * rounds(1):
        trial.in_sync()
        trial.cluster.pause(number)
        taken = trial.await_progress(30, "the others take over")
        print(f"node {number} frozen: {taken:.2f} s", flush=True)
        wait(60 if LONG else 2)
        trial.cluster.resume(number)


def cut(trial):
    """No FIN and no RST: only silence. For its clients too, and one way."""
    cluster = trial.cluster
    for number in list(cluster.nodes) * rounds(1):
        trial.in_sync()
        cluster.isolate(number)
        taken = trial.await_progress(30, "the others take over")
        print(f"node {number} cut off: {taken:.2f} s", flush=True)
        cluster.heal()
        trial.in_sync()
        cluster.isolate(number, clients=False)
        wait(3)
        cluster.heal()
        trial.in_sync()
        other = number % len(cluster.nodes) + 1
        cluster.cut((number, other), one_way=True)
        wait(3)
        cluster.heal()
        trial.await_progress(30, "a healed cluster goes on")


def five_nodes(trial):
    """Two of five at once, one that leads and one more: killed and cut off."""
    cluster = trial.cluster
    for _ in range(rounds(1)):
        trial.in_sync()
        leader = trial.leader()
        other = leader % len(cluster.nodes) + 1
        cluster.kill(leader)
        cluster.isolate(other)
        taken = trial.await_progress(30, "the other three go on")
        print(f"node {leader} killed, {other} cut off: {taken:.2f} s",
              flush=True)
        cluster.heal()
        cluster.start(leader)


def slow(trial):
    """A network that takes its time."""
    trial.cluster.delay(20)
    wait(5)
    trial.await_progress(30, "a slow network is one still")
    trial.cluster.delay(0)


def power(trial):
    """All at once."""
    for _ in range(rounds(3)):
        trial.in_sync()
        for number in trial.cluster.nodes:
            trial.cluster.kill(number)
        trial.cluster.start_all()
        trial.await_progress(60, "all come back")


def full_disk(trial):
    """One node's disk fills up: the others go on, and it comes back when
    there is room again."""
    cluster = trial.cluster
    number = trial.leader()
    filler = os.path.join(cluster.nodes[number].folder, "filler")
    with open(filler, "wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    wait(5)
    trial.await_progress(60, "the others go on")
    os.remove(filler)
    node = cluster.nodes[number]
    wait(2)
    if node.running:
        cluster.kill(number)
    cluster.start(number)


class TopicMaker(threading.Thread):
    """Makes topics, one after the other, through any node that is up."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.made, self.slowest = cluster, [], 0.0
        self.stopping = threading.Event()
        self.start()

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            began = time.monotonic()
            if self.make(f"m-{number}"):
                self.slowest = max(self.slowest, time.monotonic() - began)

    def make(self, name):
        """Whether it was acknowledged before the end."""
        while not self.stopping.is_set():
            for node in self.cluster.live():
                try:
                    with wire.Client(node.told_kafka, 2) as client:
                        code = create_topic(client, name, 1, 1, {})
                except (OSError, wire.Closed):
                    continue
                if code in (0, TOPIC_ALREADY_EXISTS):
                    self.made.append(name)
                    return True
        return False

    def made_within(self, seconds, what):
        """Seconds until the next one is made."""
        before, began = len(self.made), time.monotonic()
        until(lambda: len(self.made) > before, seconds, what)
        return time.monotonic() - began


def metadata(cluster):
    """Topics are made while the nodes that keep the metadata are killed,
    frozen and lose their power: what was acknowledged is known to all."""
    cluster.start_all()
    maker = TopicMaker(cluster)
    maker.made_within(30, "a topic is made")
    for number in list(cluster.nodes) * rounds(2):
        cluster.kill(number)
        taken = maker.made_within(30, "two controllers go on")
        print(f"node {number} killed: {taken:.2f} s", flush=True)
        cluster.start(number)
        cluster.await_brokers()
        cluster.pause(number)
        taken = maker.made_within(30, "two controllers go on")
        print(f"node {number} frozen: {taken:.2f} s", flush=True)
        cluster.resume(number)
        cluster.await_brokers()
    for number in cluster.nodes:
        cluster.kill(number)
    cluster.start_all()
    maker.made_within(30, "all of them come back")
    maker.stopping.set()
    maker.join(30)
    check(not maker.is_alive(), "the maker of topics ends")
    wanted = set(maker.made)

    def known_to_all():
        found = [cluster.metadata(n, None, 10) for n in cluster.nodes]
        return all(f and wanted <= set(f[1]) for f in found)
    until(known_to_all, 30, f"every node knows all {len(wanted)} topics")
    seen = [cluster.metadata(n, None, 10)[1] for n in cluster.nodes]
    check(all(s == seen[0] for s in seen), "all nodes say the same of them")
    print(f"{len(wanted)} topics; the slowest took {maker.slowest:.2f} s")


SCENARIOS = {f.__name__: f for f in (
    form, metadata, kill_leader, java_clients, rolling, pause, cut, five_nodes,
    slow, power, full_disk)}
PROXIED = (cut, five_nodes, slow)
# Where it can be had Kafka's Java client takes part too.
WITH_JAVA = (java_clients, pause, cut)
WITHOUT_LOAD = (metadata,)


def mount(folder, megabytes):
    os.makedirs(folder, exist_ok=True)
    return subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
        capture_output=True, check=False).returncode == 0


def run(scenario):
    folder = tempfile.mkdtemp(prefix="millrace-processes-")
    mounted = []
    print(f"{scenario.__name__}: {scenario.__doc__ or ''}".strip(),
          flush=True)
    began = time.monotonic()
    try:
        nodes, replicas = ((5, 5) if scenario is five_nodes
                           else (NODES, REPLICAS))
        settings = {"default.replication.factor": replicas,
                    "offsets.topic.replication.factor": replicas,
                    # So many may be lost: half of the others.
                    "min.insync.replicas": (replicas + 1) // 2}
        with Cluster(folder, nodes, scenario in PROXIED,
                     settings) as cluster:
            if scenario is full_disk:
                for node in cluster.nodes.values():
                    if not mount(node.folder, 300):
                        print("no file system can be mounted here")
                        return False
                    mounted.append(node.folder)
            if scenario in WITHOUT_LOAD:
                scenario(cluster)
            else:
                if scenario is java_clients and not classpath():
                    print("Kafka's Java client is not here")
                    return False
                trial = Trial(cluster, folder,
                              scenario in WITH_JAVA and classpath())
                try:
                    scenario(trial)
                    trial.finish()
                finally:
                    trial.end()
    except BaseException:
        kept = os.environ.get("MILLRACE_KEEP")
        if kept:
            shutil.copytree(folder, os.path.join(kept, scenario.__name__),
                            dirs_exist_ok=True)
        raise
    finally:
        for place in mounted:
            subprocess.run(["umount", place], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{scenario.__name__}: passed in "
          f"{time.monotonic() - began:.1f} s", flush=True)
    return True


def main():
    names = sys.argv[1:] or list(SCENARIOS)
    if any(name not in SCENARIOS for name in names):
        sys.exit(__doc__ + "\nscenarios: " + " ".join(SCENARIOS))
    skipped = False
    for name in names:
        try:
            skipped = not run(SCENARIOS[name]) or skipped
        except Failed as why:
            sys.exit(f"FAIL: {name}: {why}")
    sys.exit(77 if skipped else 0)


if __name__ == "__main__":
    main()
