#!/usr/bin/env python3
"""An operator's commands on four real nodes, of which three vote.

usage: cluster_commands.py
"""
import json
import os
import subprocess

from nodes import Cluster, check, test_folder, until

TOPIC, RECORDS = "t", 2000


class Operator:
    def __init__(self, cluster):
        self.cluster = cluster

    def run(self, *words, code=0, says="", text=None):
        """The command's output, once its exit code is as it should be."""
        done = subprocess.run(
            [os.environ["MILLRACE_BINARY"], *words, "-b", ",".join(
                f"127.0.0.1:{n.told_kafka}" for n in self.cluster.live())],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=120, check=False)
        command = " ".join(words)
        check(done.returncode == code,
              f"{command} ends with {code}, not {done.returncode}: "
              f"{done.stdout}")
        check(says in done.stdout,
              f"{command} says <{says}>, not: {done.stdout}")
        print(f"ok   {command}", flush=True)
        return done.stdout

    def nodes(self):
        told = json.loads(self.run("cluster", "status", "-o", "json"))
        return {n["node"]: n for n in told["nodes"]}

    def read_all(self):
        lines = self.run("consume", TOPIC, "-e").splitlines()
        records = [line for line in lines if line.isdigit()]
        check(sorted(map(int, records)) == list(range(RECORDS)),
              f"all {RECORDS} records are there once, not {len(records)}")

    def moves(self, name):
        return json.loads(self.run(*name.split(), "--plan", "-o", "json"))


def pause(operator):
    """Throttled moves are looked at from elsewhere, and stopped."""
    def listed():
        return json.loads(operator.run("rebalance", "--status", "-o", "json"))

    def throttled():
        return "throttled" in operator.run(
            "config", "describe", "topic", "heavy") + operator.run(
                "config", "describe", "broker", "4")
    check(listed() == [], "nothing is on the move yet")
    mover = subprocess.Popen(
        [os.environ["MILLRACE_BINARY"], "rebalance", "--apply", "--throttle",
         "200000", "-b", operator.cluster.bootstrap],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        # Three partitions of three megabytes are to be copied, at 0.2 a second.
        until(lambda: any(row["copied"] and row["copied"] < row["of"]
                          for row in listed()), 60,
              "a part of a replica is copied")
        check(throttled(), "a throttle is set")
        operator.run("rebalance", "--pause", says="moves stopped")
        said, _ = mover.communicate(timeout=60)
    finally:
        mover.kill()
        mover.wait()
    check(mover.returncode == 1 and "stopped by somebody else" in said,
          f"who moves them ends with {mover.returncode}: {said}")
    print("ok   who moves them ends")
    check(listed() == [], "nothing is on the move any more")
    check(not throttled(), "the throttle is off")


def look_after(cluster):
    operator = Operator(cluster)
    run = operator.run
    run("topic", "create", TOPIC, "-p", "8")
    run("produce", TOPIC, text="".join(f"{i}\n" for i in range(RECORDS)))
    cluster.await_in_sync(TOPIC, 8, 3)

    # A node more that votes, and one less.
    run("cluster", "add", "9", code=3, says="node 9 is not in the cluster")
    run("cluster", "add", "4", says="voters: 1, 2, 3, 4")
    run("cluster", "add", "4", code=1, says="is a voter already")
    run("cluster", "remove", "4", "--vote", says="voters: 1, 2, 3")

    # Leadership goes, and comes back.
    led = [n for n, row in operator.nodes().items()
           if row["metadata"] == "leads"][0]
    check(operator.nodes()[led]["leads"] > 0, f"node {led} leads partitions")
    run("cluster", "transfer", str(led))
    row = operator.nodes()[led]
    check(row["leads"] == 0 and row["metadata"] == "votes",
          f"node {led} leads nothing any more: {row}")
    run("rebalance", "--apply")
    leads = [row["leads"] for row in operator.nodes().values()]
    check(max(leads) - min(leads) <= 1, f"all lead about as much: {leads}")
    check(operator.moves("rebalance") == [], "and nothing is left to move")

    # A node goes for good, and its data stays.
    run("cluster", "remove", "4", code=1, says="node 4 is up")
    plan = operator.moves("cluster drain 4")
    check(plan and all("4" not in move["to"] for move in plan),
          f"the plan takes everything away from node 4: {plan}")
    check(operator.nodes()[4]["replicas"] > 0, "a plan moves nothing")
    run("cluster", "drain", "77", code=3, says="node 77 is not in the cluster")
    cluster.kill(4)
    until(lambda: operator.nodes()[4]["state"] == "fenced", 30,
          "the dead node is shut out")
    run("cluster", "remove", "4", code=1, says="replicas; give them to others")
    run("cluster", "drain", "4", says="partitions moved")
    run("cluster", "remove", "4", says="node 4 is off the list")
    check(sorted(operator.nodes()) == [1, 2, 3], "node 4 is gone")
    cluster.await_in_sync(TOPIC, 8, 3)
    operator.read_all()

    # Three nodes need one another.
    run("cluster", "drain", "1", code=1,
        says=f"{TOPIC}-0: no other node can take its place")
    check(operator.nodes()[1]["leads"] == 0, "but node 1 leads nothing")

    # It may come back, and gets its share, in the end.
    run("topic", "create", "heavy", "-p", "4")
    run("produce", "heavy", text=("x" * 999 + "\n") * 12000)
    cluster.start(4)
    cluster.await_brokers()
    run("cluster", "status", says="partitions to be moved: millrace rebalance")
    pause(operator)
    run("rebalance", "--apply")
    check(operator.moves("rebalance") == [], "and nothing is left to move")
    held = [row["replicas"] for row in operator.nodes().values()]
    check(max(held) - min(held) <= 1, f"all hold about as much: {held}")
    cluster.await_in_sync(TOPIC, 8, 3)
    operator.read_all()
    run("cluster", "status", says="12 in sync")
    run("cluster", "status",
        says="all nodes hold and lead about as many partitions")


def main():
    with test_folder("commands") as folder:
        with Cluster(folder, 4, controllers=3) as cluster:
            cluster.start_all()
            look_after(cluster)
            cluster.check_alive()


if __name__ == "__main__":
    main()
