"""kafkatop, a program that watches how far groups are behind, sees what is there.

usage: kafka_top.py NODES     how many of them answer at $BOOTSTRAP
"""
import json
import os
import subprocess
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from programs import SERVER, check, until

PARTITIONS = 3
RECORDS = 100  # in each partition
SECONDS = 200  # far more than anything takes, but on a busy machine
PROGRAM = os.path.join(os.environ["MILLRACE_CLIENTS"], "kafkatop-1.16")


def kafkatop(*words):
    done = subprocess.run(
        [sys.executable, "-m", "kafkatop", "--kafka-broker", SERVER, *words],
        env={**os.environ, "PYTHONPATH": PROGRAM}, capture_output=True,
        text=True, timeout=SECONDS, check=False)
    check(done.returncode == 0, f"kafkatop {words} ended with "
          f"{done.returncode}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def fill(topic):
    admin = AdminClient({"bootstrap.servers": SERVER})
    admin.create_topics([NewTopic(topic, PARTITIONS, -1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": SERVER, "linger.ms": 5})
    for i in range(RECORDS * PARTITIONS):
        producer.produce(topic, f"{i}", partition=i % PARTITIONS)
    check(producer.flush(SECONDS) == 0, "all is acknowledged")


def consumer(group, **settings):
    return Consumer({
        "bootstrap.servers": SERVER, "group.id": group,
        "enable.auto.commit": False, "auto.offset.reset": "earliest",
        **settings})


def commit(reader, topic, offsets):
    reader.commit(offsets=[TopicPartition(topic, i, offset)
                           for i, offset in enumerate(offsets)],
                  asynchronous=False)


def check_topics(topic, nodes):
    told = kafkatop("--topicinfo-parts")
    check(len(told["brokers"]) == nodes and told["cluster_id"],
          f"kafkatop sees {nodes} brokers: {told['brokers']}")
    brokers = {broker["id"] for broker in told["brokers"].values()}
    parts = told["topics"][topic]["partinfo"]
    check(len(parts) == PARTITIONS, f"and each partition: {parts}")
    for part in parts:
        check(part["leader"] in brokers and part["nisrs"] == nodes
              and set(part["replicas"]) == brokers,
              f"with its leader and its replicas: {part}")
    print(f"ok   kafkatop sees {nodes} brokers, and where partitions are",
          flush=True)


def lag(group, state, topic, behind):
    """Once a group is that many records behind, by partition."""
    wanted = {"state": f"ConsumerGroupState.{state}", "topics": {topic: {
        "partitions": PARTITIONS, "lag_max": max(behind),
        "lag_min": min(behind)}}}
    until(lambda: kafkatop("--summary-json", "--all").get(group) == wanted,
          SECONDS, f"kafkatop sees {group} as {wanted}")
    print(f"ok   kafkatop sees {group} as {state}, {max(behind)} records "
          "behind", flush=True)


def main():
    topic, nodes = "watched", int(sys.argv[1])
    fill(topic)
    check_topics(topic, nodes)
    left = consumer("left-behind")
    commit(left, topic, [0, 40, RECORDS])
    left.close()
    lag("left-behind", "EMPTY", topic, [RECORDS, RECORDS - 40, 0])
    for protocol in ("classic", "consumer"):
        member = consumer(protocol, **{"group.protocol": protocol})
        member.subscribe([topic])
        until(lambda: member.poll(0.1) is not None, SECONDS, "a record comes")
        commit(member, topic, [10, 20, 30])
        lag(protocol, "STABLE", topic,
            [RECORDS - 10, RECORDS - 20, RECORDS - 30])
        commit(member, topic, [RECORDS] * PARTITIONS)
        lag(protocol, "STABLE", topic, [0, 0, 0])
        member.close()
        lag(protocol, "EMPTY", topic, [0, 0, 0])


if __name__ == "__main__":
    main()
