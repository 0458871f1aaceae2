#!/usr/bin/env python3
"""A share group on three nodes while those are killed that lead what it reads,
that keep its state, and that coordinate it (KIP-932).

Its members are Kafka's Java client. In the end each number that was produced
has been accepted, none twice, and who comes then is given nothing.
"""
import sys

from confluent_kafka import Producer

import java_load
from nodes import LONG, Cluster, check, test_folder, until

TOPIC, GROUP, PARTITIONS = "shared", "sharers", 2
NUMBERS = 2_000 if LONG else 500  # with each kill
KILLS = 12 if LONG else 3
LED = (TOPIC, "__share_group_state", "__consumer_offsets")
SKIPPED = 77


class Member(java_load.JavaClient):
    """What it was given, and what became of it, by (partition, offset)."""

    program = "share_client.java"

    def __init__(self, folder, bootstrap):
        self.given, self.accepted, self.unknown = {}, [], set()
        super().__init__(folder, "member", bootstrap, TOPIC, GROUP)

    def take(self, words):
        place = int(words[1]), int(words[2])
        if words[0] == "given":
            self.given[place] = int(words[3])
        elif words[0] == "accepted":
            self.accepted.append(place)
        else:
            self.unknown.add(place)


class Begin(java_load.JavaClient):
    """Has the group begin at the beginning."""

    program = "share_client.java"

    def __init__(self, folder, bootstrap):
        super().__init__(folder, "begin", bootstrap, GROUP)


def dealt_with(members):
    """The places that nobody will be given again."""
    places = set()
    for member in members:
        check(member.is_alive(), "a member has ended by itself")
        places.update(list(member.accepted), set(member.unknown))
    return places


def produce(cluster, numbers):
    producer = Producer({"bootstrap.servers": cluster.bootstrap,
                         "enable.idempotence": True})
    for number in numbers:
        producer.produce(TOPIC, str(number), partition=number % PARTITIONS)
    check(producer.flush(90) == 0, "numbers are produced with a node down")


def share(folder, cluster):
    """Kills nodes while members accept; gives the members."""
    members = [Member(folder, cluster.bootstrap) for _ in range(2)]
    try:
        produce(cluster, range(NUMBERS))
        for kill in range(KILLS):
            seen = len(dealt_with(members))
            until(lambda: len(dealt_with(members)) > seen
                  or seen == (kill + 1) * NUMBERS, 90,
                  "members accept with a node down")
            victim = cluster.await_leader(LED[kill % len(LED)])
            cluster.kill(victim)
            produce(cluster, range((kill + 1) * NUMBERS, (kill + 2) * NUMBERS))
            cluster.start(victim)
            cluster.await_in_sync(TOPIC, PARTITIONS, 3)
        until(lambda: len(dealt_with(members)) == (KILLS + 1) * NUMBERS, 180,
              "all numbers are accepted")
        for member in members:
            member.finish()
    finally:
        for member in members:
            member.end()
    return members


def judge(members):
    accepted = [place for m in members for place in m.accepted]
    check(len(set(accepted)) == len(accepted),
          "no number is accepted twice: "
          f"{len(accepted)} times {len(set(accepted))}")
    given = {place: n for m in members for place, n in m.given.items()}
    check(sorted(given.values()) == list(range((KILLS + 1) * NUMBERS)),
          f"every number is given: {len(given)} are")


def given_late(folder, cluster):
    """What somebody who comes in the end is given before the newest records of
    all."""
    total = (KILLS + 1) * NUMBERS
    newest = range(total, total + PARTITIONS)
    produce(cluster, newest)
    late = Member(folder, cluster.bootstrap)
    try:
        until(lambda: set(newest) <= set(late.given.values()), 60,
              "who comes late is given what is new")
        late.finish()
    finally:
        late.end()
    return {place for place, n in late.given.items() if n < total}


def main():
    if java_load.classpath() is None:
        print("skipped: tools/clients.sh brings Kafka's Java client")
        return SKIPPED
    settings = {"share.coordinator.state.topic.num.partitions": 2,
                "share.coordinator.state.topic.replication.factor": 3,
                "share.coordinator.state.topic.min.isr": 2,
                "group.share.record.lock.duration.ms": 5000}
    with (test_folder("share_groups") as folder,
          Cluster(folder, settings=settings) as cluster):
        cluster.start_all()
        cluster.create_topic(TOPIC, PARTITIONS, 3)
        Begin(folder, cluster.bootstrap).finish()
        members = share(folder, cluster)
        judge(members)
        again = given_late(folder, cluster)
        accepted = {place for m in members for place in m.accepted}
        check(not again & accepted,
              f"who comes late is given nothing that was accepted: "
              f"{sorted(again & accepted)[:5]}")
        cluster.check_alive()
        print(f"{KILLS} nodes killed, {len(accepted)} numbers accepted once, "
              f"{len(again)} given again of which nobody knew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
