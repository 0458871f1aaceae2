#!/usr/bin/env python3
"""Kafka's own tools look after a cluster of four nodes, of which three vote.

usage: kafka_tools.py

What each tool prints is what an operator reads, so that is what is checked.
"""
import json
import os
import re
import subprocess
import threading
import time

from nodes import Cluster, check, test_folder, until

TOPIC = "t"


class Tools:
    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        place = os.path.join(os.environ["MILLRACE_CLIENTS"], "java.classpath")
        with open(place) as file:
            self.classpath = file.read().strip()
        self.logging = os.path.join(folder, "log4j2.xml")
        with open(self.logging, "w") as file:
            file.write('<Configuration status="ERROR"><Loggers>'
                       '<Root level="ERROR"/></Loggers></Configuration>')

    def run(self, name, *words, verb=()):
        """Its output: what it prints shows whether it has worked."""
        done = subprocess.run(
            ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-Xshare:auto", f"-Dlog4j2.configurationFile={self.logging}",
             "-cp", self.classpath, f"org.apache.kafka.{name}", *verb,
             "--bootstrap-server", ",".join(f"127.0.0.1:{n.told_kafka}"
                      for n in self.cluster.live()), *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False)
        return done.stdout

    def millrace(self, *words, text=None):
        return subprocess.run(
            [os.environ["MILLRACE_BINARY"], *words, "-b",
             self.cluster.bootstrap], input=text, stdout=subprocess.PIPE,
            text=True, timeout=120, check=True).stdout

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            json.dump(content, file)
        return path


def expect(what, pattern, text):
    check(re.search(pattern, text, re.MULTILINE),
          f"{what}: <{pattern}> is in: {text}")
    print(f"ok   {what}", flush=True)


def expect_none(what, pattern, text):
    check(not re.search(pattern, text, re.MULTILINE),
          f"{what}: <{pattern}> is not in: {text}")
    print(f"ok   {what}", flush=True)


def topics(tools):
    expect("kafka-topics creates", f"Created topic {TOPIC}", tools.run(
        "tools.TopicCommand", "--create", "--topic", TOPIC,
        "--replica-assignment", "1:2:3,2:3:1"))
    tools.cluster.await_in_sync(TOPIC, 2, 3)
    expect("kafka-topics describes leaders, replicas and ISR",
           "Partition: 1\tLeader: 2\tReplicas: 2,3,1\tIsr: 2,3,1",
           tools.run("tools.TopicCommand", "--describe", "--topic", TOPIC))


def quorum(tools):
    def status():
        return tools.run(
            "tools.MetadataQuorumCommand", "describe", "--status")
    told = status()
    expect("kafka-metadata-quorum describes its voters",
           r'^CurrentVoters: +\[.*"id": 1,.*"id": 2,.*"id": 3,', told)
    expect("and who only observes", r'^CurrentObservers: +\[{"id": 4,', told)
    expect("and who leads", r"^LeaderId: +[123]$", told)
    expect("and how far the others are", r"^MaxFollowerLag: +\d+$", told)
    replicas = tools.run("tools.MetadataQuorumCommand", "describe",
                         "--replication")
    for number, role in ((1, "Leader|Follower"), (4, "Observer")):
        expect(f"node {number} is in its table",
               rf"^{number}\s+\S+\s+\d+\s+\d+\s+\d+\s+-?\d+\s+({role})",
               replicas)
    leader = re.search(r"^LeaderId: +(\d)$", told, re.MULTILINE)[1]
    directory = re.search(
        rf"^{leader}\s+(\S+)\s", replicas, re.MULTILINE)[1]
    expect("kafka-metadata-quorum takes the leader's vote",
           f"Removed +KRaft controller {leader}", tools.run(
               "tools.MetadataQuorumCommand", "remove-controller",
               "--controller-id", leader,
               "--controller-directory-id", directory))
    told = status()
    expect("another one leads", rf"^LeaderId: +(?!{leader})[123]$", told)
    expect("and the first one observes",
           rf'^CurrentObservers: +\[.*"id": {leader},', told)


def reassign(tools):
    plan = tools.file("plan.json", {"version": 1, "partitions": [
        {"topic": TOPIC, "partition": 0, "replicas": [4, 2, 3]}]})

    def command(*words):
        return tools.run("tools.reassign.ReassignPartitionsCommand",
                         "--reassignment-json-file", plan, *words)
    expect("kafka-reassign-partitions starts a move",
           "Successfully started partition reassignment",
           command("--execute"))
    until(lambda: re.search(
        f"Reassignment of partition {TOPIC}-0 is completed",
        command("--verify")), 60, "the move is completed")
    print("ok   and sees that it is completed")
    told = tools.run("tools.TopicCommand", "--describe", "--topic", TOPIC)
    expect("the new replicas are all that are there",
           "Partition: 0\tLeader: [423]\tReplicas: 4,2,3\tIsr: [234],[234],",
           told)
    expect("kafka-reassign-partitions lists none any more",
           "No partition reassignments found", tools.run(
               "tools.reassign.ReassignPartitionsCommand", "--list"))
    node = tools.cluster.nodes[1]
    until(lambda: not any(name.startswith(f"{TOPIC}-0")
                          and "delete" not in name
                          for _, names, _ in os.walk(node.folder)
                          for name in names), 60,
          "the old replica's directory is gone")
    print("ok   and the old replica is gone from its disk")


def throttle(tools):
    """A move that may take so many bytes a second takes that long."""
    size, rate, one_fetch = 12_000_000, 2_000_000, 1_100_000
    expect("kafka-topics creates a topic", "Created topic big", tools.run(
        "tools.TopicCommand", "--create", "--topic", "big",
        "--replica-assignment", "1:2:3"))
    tools.millrace("produce", "big", text=("x" * 999 + "\n") * (size // 1000))
    plan = tools.file("big.json", {"version": 1, "partitions": [
        {"topic": "big", "partition": 0, "replicas": [1, 2, 4]}]})

    def command(*words):
        return tools.run("tools.reassign.ReassignPartitionsCommand",
                         "--reassignment-json-file", plan, *words)
    held = os.path.join(tools.cluster.nodes[4].folder, "big-0",
                        "00000000000000000000.log")

    def copied():
        return os.path.exists(held) and os.path.getsize(held)
    said = []
    starter = threading.Thread(target=lambda: said.append(
        command("--execute", "--throttle", str(rate))))
    starter.start()
    try:
        first = until(copied, 120, "node 4 has got something")
        begin = time.monotonic()
        until(lambda: copied() >= size, 120, "node 4 has everything")
        took = time.monotonic() - begin
    finally:
        starter.join()
    expect("kafka-reassign-partitions throttles",
           f"The inter-broker throttle limit was set to {rate} B/s", said[0])
    # What comes at once may overdraw, and the first look come late.
    least = (size - first - one_fetch) / rate * 0.9
    check(least > 3, f"there is something to measure: {first} of {size}")
    check(took >= least, f"{size - first} bytes at {rate} a second take "
          f"{least:.1f} s, not {took:.1f} s")
    print(f"ok   {size - first} bytes took {took:.1f} s")

    def throttles():
        return [entry for kind, name in (("topic", "big"), ("broker", "1"),
                                         ("broker", "4"))
                for entry in json.loads(tools.millrace(
                    "config", "describe", kind, name, "-o", "json"))
                if "throttled" in json.dumps(entry)]
    check(len(throttles()) == 6, f"rates and lists are set: {throttles()}")
    until(lambda: "Reassignment of partition big-0 is completed"
          in command("--verify"), 60, "the throttled move is completed")
    check(throttles() == [], f"--verify takes them off: {throttles()}")
    print("ok   and takes the throttle off when it is done")


def elect(tools):
    tools.cluster.stop(2)
    tools.cluster.await_leader(TOPIC, 1, but=2)
    tools.cluster.start(2)
    tools.cluster.await_in_sync(TOPIC, 2, 3)
    one = ("--election-type", "preferred", "--topic", TOPIC, "--partition",
           "1")
    expect("kafka-leader-election gives its partition back",
           "Successfully completed leader election .*t-1",
           tools.run("tools.LeaderElectionCommand", *one))
    check(tools.cluster.await_leader(TOPIC, 1) == 2, "node 2 leads t/1")
    expect("and says that it need not be done again",
           "Valid replica already elected for partitions.*t-1",
           tools.run("tools.LeaderElectionCommand", *one))


def unregister(tools):
    tools.cluster.kill(4)
    expect("kafka-topics says what is under-replicated",
           "Partition: 0.*Replicas: 4,2,3",
           until(lambda: tools.run(
               "tools.TopicCommand", "--describe",
               "--under-replicated-partitions"), 60,
               "the dead node is out of the ISR"))
    expect("kafka-cluster takes a dead node off the list",
           "Broker 4 is no longer registered", tools.run(
               "tools.ClusterTool", "--id", "4", verb=("unregister",)))
    expect_none("and nobody waits for it any more", r'"id": 4,', tools.run(
        "tools.MetadataQuorumCommand", "describe", "--status"))
    tools.cluster.start(4)
    tools.cluster.await_brokers()
    tools.cluster.await_in_sync(TOPIC, 2, 3)
    print("ok   it comes back as if it had not been away")


def main():
    with test_folder("tools") as folder:
        with Cluster(folder, 4, controllers=3) as cluster:
            cluster.start_all()
            tools = Tools(cluster, folder)
            for part in (topics, quorum, reassign, throttle, elect, unregister):
                part(tools)
            cluster.check_alive()


if __name__ == "__main__":
    main()
