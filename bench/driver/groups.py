"""How long a large consumer group takes to settle, beside Kafka: one node each,
the same client (librdkafka), taking turns in one run. Writes
bench/group_results.md.

usage: build/clients/venv/bin/python bench/driver/groups.py [--runs N]
         [--members N] [--partitions N] [--only millrace|kafka]
"""
import time

import beside
import results
from confluent_kafka import Consumer

TOPIC = "wide"
PROTOCOLS = {
    "consumer": {"group.protocol": "consumer"},
    "classic, cooperative-sticky": {
        "partition.assignment.strategy": "cooperative-sticky"},
}
FIGURES = ("all begin s", "one more comes s", "one leaves s")
PATIENCE_S = 120


class Group:
    def __init__(self, port, name, config, partitions):
        self.config = {"bootstrap.servers": f"127.0.0.1:{port}",
                       "group.id": name, **config}
        self.partitions = partitions
        self.members = []

    def join(self):
        member = Consumer(self.config)
        member.subscribe([TOPIC])
        self.members.append(member)

    def settled(self):
        """All partitions have one owner, and all members their share."""
        held = [[p.partition for p in m.assignment()] for m in self.members]
        share = self.partitions // len(self.members)
        every = [p for one in held for p in one]
        return len(every) == self.partitions \
            and len(set(every)) == self.partitions \
            and all(share <= len(one) <= share + 1 for one in held)

    def settle(self):
        """Seconds until it is settled."""
        began = time.monotonic()
        while not self.settled():
            if time.monotonic() - began > PATIENCE_S:
                raise RuntimeError("the group does not settle")
            for member in self.members:
                member.poll(0)
        return time.monotonic() - began

    def close(self):
        for member in self.members:
            member.close()


def measure(port, name, config, members, partitions):
    """What FIGURES names."""
    group = Group(port, name, config, partitions)
    for _ in range(members):
        group.join()
    first = group.settle()
    group.join()
    more = group.settle()
    group.members.pop(0).close()
    fewer = group.settle()
    group.close()
    return first, more, fewer


def main():
    arguments = beside.options(__doc__)
    arguments.add_argument("--members", type=int, default=100)
    arguments.add_argument("--partitions", type=int, default=1000)
    told = arguments.parse_args()

    def groups(run, server):
        beside.make_topic(server.port, TOPIC, told.partitions)
        for protocol, config in PROTOCOLS.items():
            yield protocol, measure(server.port, f"g{run}{protocol[:2]}",
                                    config, told.members, told.partitions)
    seen = beside.take_turns(told, groups)
    if told.only:
        return
    lines = [f"{told.members} members, {told.partitions} partitions; medians "
             f"of {told.runs} runs. Settled: every partition has an owner, "
             "and every member its share.", "",
             "| protocol | figure | Millrace | Kafka |", "|---|---|---|---|"]
    for protocol in PROTOCOLS:
        for i, figure in enumerate(FIGURES):
            left, right = map(
                results.spread, beside.both(seen, protocol, i))
            lines.append(f"| {protocol} | {figure} | {left} | {right} |")
    beside.write("group_results.md", "Results of consumer groups", lines)


if __name__ == "__main__":
    main()
