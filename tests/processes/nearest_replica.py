#!/usr/bin/env python3
"""A consumer of librdkafka that says its rack, and three nodes in racks of
their own (KIP-392).

usage: nearest_replica.py
"""
import time

from nodes import Cluster, check, test_folder
from numbered import TOPIC, VALUE, Reader, produce

RECORDS = 3000
RACKS = {1: "a", 2: "b", 3: "c"}


def served(node):
    """(bytes of all that was fetched there, of them by consumers that were
    sent there)."""
    return (node.metric("kafka_server_brokertopicmetrics_bytesout_total"),
            node.metric("millrace_follower_bytesout_total"))


def run(cluster):
    for number, rack in RACKS.items():
        cluster.nodes[number].settings = {"broker.rack": rack}
    cluster.start_all()
    cluster.create_topic(TOPIC, 1, 3)
    cluster.await_in_sync(TOPIC, 1, 3)
    leader = cluster.nodes[cluster.await_leader(TOPIC)]
    near, other = (n for n in cluster.nodes.values() if n is not leader)
    produce(cluster, 0, RECORDS)

    reader = Reader(cluster, **{"client.rack": RACKS[near.number]})
    reader.read_to(RECORDS)
    check(served(leader) == (0, 0), "the leader has sent no records")
    total, as_follower = served(near)
    check(total == as_follower > RECORDS * len(VALUE),
          f"the follower has sent them all, not {as_follower} of {total}")
    print("ok   a consumer reads from the follower in its rack", flush=True)

    for i in range(5):
        produce(cluster, RECORDS + i, 1)
        reader.read_to(RECORDS + i + 1, 5)
    check(served(leader) == (0, 0), "the leader has still sent no records")
    check(served(near)[1] > as_follower, "the follower has sent more")
    print("ok   and is woken there when there is more", flush=True)

    nowhere = Reader(cluster)
    nowhere.read_to(RECORDS + 5)
    nowhere.close()
    before = served(leader)[0]
    check(before > RECORDS * len(VALUE), "the leader has sent them all")
    print("ok   one that says no rack reads from the leader", flush=True)

    cluster.kill(near.number)
    begin = time.monotonic()
    produce(cluster, RECORDS + 5, RECORDS)
    reader.read_to(2 * RECORDS + 5)
    check(served(leader)[0] - before > RECORDS * len(VALUE),
          "the leader has sent the rest")
    check(served(other) == (0, 0), "nobody has read from the third node")
    print(f"ok   when it is killed the consumer goes on at the leader, after "
          f"{time.monotonic() - begin:.1f} s", flush=True)
    reader.close()


def main():
    with test_folder("nearest") as folder:
        with Cluster(folder, http=True, settings={
                "replica.selector.class": "org.apache.kafka.common.replica."
                                          "RackAwareReplicaSelector",
        }) as cluster:
            run(cluster)


if __name__ == "__main__":
    main()
