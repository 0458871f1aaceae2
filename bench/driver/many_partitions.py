"""How long what concerns all partitions takes on three real nodes.

Also by itself: bench/driver/many_partitions.py [PARTITIONS]
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import results
import built  # noqa: F401  so that what follows is found
from nodes import Cluster, check, until

TOPIC = "wide"
# What is measured, and how many seconds it may take.
MAY_TAKE = {
    "a topic of all of them is made: the answer": 5,
    "and each has its three replicas in sync": None,
    "the controller is killed: another one makes a topic": 1,
    "and all partitions are led": None,
    "all are killed and started: all partitions are led": None,
    "and each has its three replicas in sync again": 10,
}


def controller(nodes):
    """The node that leads the metadata."""
    told = subprocess.run(
        [os.environ["MILLRACE_BINARY"], "cluster", "status", "-b",
         nodes.bootstrap, "-o", "json"],
        capture_output=True, text=True, check=False, timeout=60).stdout
    leads = [node["node"] for node in json.loads(told)["nodes"]
             if node["metadata"] == "leads"]
    check(len(leads) == 1, f"one node leads the metadata, not {leads}")
    return leads[0]


def await_led(nodes, partitions, but=None):
    """Until every live node knows a leader for each, another one than `but`."""
    def all_led(number):
        found = nodes.metadata(number, [TOPIC], 30)
        known = found[1].get(TOPIC, {}) if found else {}
        return len(known) == partitions and all(
            p["leader"] > 0 and p["leader"] != but for p in known.values())
    for node in nodes.live():
        until(lambda n=node.number: all_led(n), 120, "all partitions are led")


def measure(nodes, partitions):
    """Seconds by what is in MAY_TAKE."""
    taken = []
    began = time.monotonic()

    def lap():
        taken.append(time.monotonic() - began)
    nodes.start_all()
    began = time.monotonic()
    nodes.ask_for_topic(TOPIC, partitions, 3)
    lap()
    nodes.await_in_sync(TOPIC, partitions, 3, 120)
    lap()
    dead = controller(nodes)
    began = time.monotonic()
    nodes.kill(dead)
    nodes.ask_for_topic("one-more", 1, 2)
    lap()
    await_led(nodes, partitions, dead)
    lap()
    nodes.start(dead)
    nodes.await_in_sync(TOPIC, partitions, 3, 120)
    for number in nodes.nodes:
        nodes.kill(number)
    began = time.monotonic()
    nodes.start_all()
    await_led(nodes, partitions)
    lap()
    nodes.await_in_sync(TOPIC, partitions, 3, 120)
    lap()
    nodes.check_alive()
    return dict(zip(MAY_TAKE, taken))


def rows(directory, partitions):
    """A line of a table for each figure."""
    folder = tempfile.mkdtemp(dir=directory)
    try:
        with Cluster(folder) as nodes:
            taken = measure(nodes, partitions)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for what, seconds in taken.items():
        most = MAY_TAKE[what]
        yield (f"| {what} | {seconds:.2f} | "
               + (" | |" if most is None else f"<= {most} | "
                  f"{results.verdict(seconds <= most)} |"))


if __name__ == "__main__":
    for line in rows(None, int((sys.argv + ["10000"])[1])):
        print(line, flush=True)
