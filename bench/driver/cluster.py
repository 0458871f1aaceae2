#!/usr/bin/env python3
"""Measures three nodes of Millrace against three of Apache Kafka.

usage: bench/driver/cluster.py [--pairs N] [--rounds N] [--kafka-rounds N]
                               [--seconds N] [--partitions N]

All six on this machine and its one disk: three copies of every record, asked
for by acks=all. Kafka does not flush, as it is usually run; Millrace answers
when two disks have it. Both are measured in interleaved pairs, each run on
fresh nodes. Then leaders fail, `--rounds` times in each way, and fewer times
in Kafka, which takes a minute for each. At last a topic of very many partitions
is made, its controller killed, and all of them. Writes bench/cluster_results.md.

Needs the release build, and what tools/clients.sh brings.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import many_partitions
import results
from built import ROOT

import failover
from nodes import Cluster

TICKS = os.sysconf("SC_CLK_TCK")
LOADS = (
    # title, options of `millrace bench produce`, partitions
    ("produce 1000x100 B batches, 2 x 8 in flight",
     {"connections": 2, "in-flight": 8, "batch-records": 1000}, 6),
    ("produce 10x100 B, 4 x 32 in flight over 30 partitions",
     {"connections": 4, "in-flight": 32, "batch-records": 10}, 30),
    ("one small produce at a time",
     {"connections": 1, "in-flight": 1, "batch-records": 1}, 1),
)
FIGURES = (
    # name, unit, Millrace / Kafka, whether that is a minimum
    ("mb_per_s", "MB/s", 1.0, True),
    ("cpu_s_per_gb", "CPU s/GB, all nodes", 0.25, False),
    ("p50_ms", "p50 ms", None, False),
    ("p99_ms", "p99 ms", None, False),
)


def cpu_seconds(cluster):
    total = 0
    for node in cluster.nodes.values():
        with open(f"/proc/{node.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def produce(cluster, topic, options, seconds):
    words = [os.environ["MILLRACE_BINARY"], "bench", "produce", topic, "-b",
             cluster.bootstrap, "-o", "json", "--seconds", str(seconds)]
    for key, value in options.items():
        words += [f"--{key}", str(value)]
    run = subprocess.run(words, capture_output=True, text=True, check=False,
                         timeout=seconds + 120)
    try:
        return json.loads(run.stdout)[0]
    except (ValueError, IndexError):
        raise RuntimeError(f"{' '.join(words)}: {run.stderr}") from None


def warm_up(cluster, topic, options, seconds):
    """Until nothing fails: Kafka tells of a topic before it takes records."""
    for _ in range(10):
        if not produce(cluster, topic, options, seconds)["errors"]:
            return
    raise RuntimeError("the nodes go on refusing the load")


def run(kind, load, directory, seconds):
    """One run on three fresh nodes: a topic, a warm-up, the load."""
    _, options, partitions = load
    folder = tempfile.mkdtemp(dir=directory)
    try:
        with kind(folder) as cluster:
            cluster.start_all()
            cluster.create_topic("load", partitions, 3, min_insync_replicas=2)
            cluster.await_in_sync("load", partitions, 3)
            # Kafka's machine translates its hot loops first.
            warm_up(cluster, "load", options, 1 if kind is Cluster else 15)
            before = cpu_seconds(cluster)
            seen = produce(cluster, "load", options, seconds)
            used = cpu_seconds(cluster) - before
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if seen["errors"]:
        raise RuntimeError(f"errors: {seen}")
    return {"mb_per_s": seen["mb_per_s"],
            "cpu_s_per_gb": used / (seen["mb_per_s"] * seen["seconds"] / 1e3),
            "p50_ms": seen["p50_us"] / 1e3, "p99_ms": seen["p99_us"] / 1e3}


def row(title, figure, ours, kafka):
    name, unit, target, at_least = figure
    pairs = [(a[name], b[name]) for a, b in zip(ours, kafka)]
    ratios = [a / b for a, b in pairs]
    promise = verdict = ""
    if target is not None:
        middle = results.quartiles(ratios)[1]
        promise = f"{'>=' if at_least else '<='} {target:g} x"
        verdict = results.verdict(
            middle >= target if at_least else middle <= target)
    return (f"| {title} | {unit} | {results.spread([b for _, b in pairs])} "
            f"| {results.spread([a for a, _ in pairs])} "
            f"| {results.spread(ratios)} | {promise} | {verdict} |")


def measure_loads(options, lines):
    def add(line):
        lines.append(line)
        print(line, flush=True)
    add("| load, acks=all | figure | Kafka | Millrace | ratio | must be | |")
    add("|---|---|---|---|---|---|---|")
    for load in LOADS:
        ours, kafka = [], []
        for pair in range(options.pairs):
            kinds = [(Cluster, ours), (failover.KafkaCluster, kafka)]
            for kind, into in reversed(kinds) if pair % 2 else kinds:
                into.append(run(kind, load, options.dir, options.seconds))
        for figure in FIGURES:
            add(row(load[0], figure, ours, kafka))


def measure_failures(options, lines):
    place = os.path.join(options.dir, "failover.json")
    found = subprocess.run(
        [sys.executable, "-B", failover.__file__, "--rounds",
         str(options.rounds), "--kafka-rounds", str(options.kafka_rounds),
         "--json", place],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    print(found, flush=True)
    lines += ["", "Seconds without an acknowledgement when something fails, "
              "as `tests/processes/failover.py` sees them:", "",
              *found.strip().split("\n")]


def measure_partitions(options, lines):
    lines += ["", f"Seconds with {options.partitions} partitions of three "
              "replicas each:", "",
              "| what | s | may be | |", "|---|---|---|---|"]
    for line in many_partitions.rows(options.dir, options.partitions):
        lines.append(line)
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--pairs", type=int, default=3,
                        help="of each load; 0 leaves them out")
    parser.add_argument("--rounds", type=int, default=20,
                        help="of each failure; 0 leaves them out")
    parser.add_argument("--kafka-rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--partitions", type=int, default=10_000,
                        help="of one topic; 0 leaves them out")
    parser.add_argument("--dir", default=os.path.join(
        ROOT, "build", "bench-data"), help="for the data; it is removed")
    parser.add_argument("--results", default=os.path.join(
        ROOT, "bench", "cluster_results.md"))
    options = parser.parse_args()
    os.makedirs(options.dir, exist_ok=True)
    lines = results.head(ROOT, options.dir, "Results of three nodes",
                         "cluster.py")
    lines += ["Three nodes each on one machine and one disk, three copies of "
              "every record, min.insync.replicas=2. Kafka does not flush; "
              "Millrace has every acknowledged record on its disks. Medians, "
              "quartiles in brackets; the ratio is taken pair by pair.", ""]
    def write():
        with open(options.results, "w") as file:
            file.write("\n".join(lines) + "\n")
    try:
        if options.pairs:
            measure_loads(options, lines)
            write()
        if options.rounds:
            measure_failures(options, lines)
            write()
        if options.partitions:
            measure_partitions(options, lines)
            write()
    finally:
        shutil.rmtree(options.dir, ignore_errors=True)
    print(f"written: {options.results}")


if __name__ == "__main__":
    main()
