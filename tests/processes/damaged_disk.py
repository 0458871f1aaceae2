#!/usr/bin/env python3
"""A disk spoils what a node has in old segments: a consumer of librdkafka that
looks at checksums reads everything all the same, and the node gets it again.

usage: damaged_disk.py
"""
import glob
import os

from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka.admin import AdminClient

from nodes import Cluster, check, test_folder, until
from numbered import TOPIC, Reader, produce

RECORDS = 6000


def segments(node):
    """Of the topic's partition, the oldest first."""
    return sorted(glob.glob(os.path.join(node.folder, f"{TOPIC}-0", "*.log")))


def content(node):
    records = b""
    for path in segments(node):
        with open(path, "rb") as file:
            records += file.read()
    return records


def spoil(path):
    """Some bytes in the middle."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(b"spoiled")


def let_lead(cluster, number):
    """It is the preferred leader, but may not be in sync yet."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})

    def leads():
        admin.elect_leaders(ElectionType.PREFERRED,
                            [TopicPartition(TOPIC, 0)]).result()
        return cluster.await_leader(TOPIC) == number
    until(leads, 60, f"node {number} leads again")


def run(cluster):
    cluster.start_all()
    cluster.create_topic(TOPIC, 1, 3, segment_bytes=1 << 20)
    cluster.await_in_sync(TOPIC, 1, 3)
    produce(cluster, 0, RECORDS)
    first = cluster.await_leader(TOPIC)
    victim = cluster.nodes[first]
    check(len(segments(victim)) > 3, "there are old segments")

    cluster.stop(first)
    spoil(segments(victim)[1])
    cluster.start(first)
    let_lead(cluster, first)

    reader = Reader(cluster, **{"check.crcs": True})
    reader.read_to(RECORDS, 60)
    reader.close()
    print("ok   a consumer gets every record, in order", flush=True)
    check(cluster.await_leader(TOPIC) != first, "another node leads")
    with open(victim.log_path, encoding="utf-8") as log:
        check("cannot be read from this node's disk any more" in log.read(),
              "the node says what has happened")
    cluster.await_in_sync(TOPIC, 1, 3)
    whole = content(cluster.nodes[cluster.await_leader(TOPIC)])
    check(content(victim) == whole, "all replicas are the same again")
    print("ok   and the node has fetched it again", flush=True)


def main():
    with test_folder("damaged") as folder:
        with Cluster(folder) as cluster:
            run(cluster)


if __name__ == "__main__":
    main()
