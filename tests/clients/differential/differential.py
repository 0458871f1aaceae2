#!/usr/bin/env python3
"""One seeded stream of requests to a real Kafka and to Millrace, whose answers
must be the same.

usage: differential.py [--requests N] [--seed S] [--seconds T] [--chapter C]
                       [--all] [--trace] [--only API,...]

The stream comes in chapters of requests that belong together. What differs is
printed with its chapter, which `--chapter` repeats alone; `--all` goes on after
20 differences; `--trace` shows every request and both answers; `--only` takes
the recipes of these APIs alone. Exit code 0: no difference that exceptions.py
does not name.
`--seconds` ends the stream after a chapter that ends later than that.
"""
import argparse
import collections
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
SOURCE = os.environ["MILLRACE_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "bench", "driver"))
from servers import Kafka, Millrace, free_port  # noqa: E402

import recipes_consumers  # noqa: E402
import recipes_groups  # noqa: E402
import recipes_logs  # noqa: E402
import recipes_quotas  # noqa: E402
import recipes_security  # noqa: E402
import recipes_shares  # noqa: E402
import recipes_topics  # noqa: E402
import recipes_transactions  # noqa: E402
from chapter import (  # noqa: E402
    BARRIER, HARMLESS, Chapter, Diverged, Unsettled)
from exceptions import EXCEPTIONS  # noqa: E402
from pair import Pair  # noqa: E402
from wire import read_definitions  # noqa: E402

CHAPTER_LENGTH = 150
MOST_EXCEPTIONS = 30
WIDTH = int(os.environ.get("DIFFERENTIAL_WIDTH", "700"))  # of what is shown
# What both are told, so that both have the same to answer.
COMMON = {"node.id": "1", "num.partitions": "2",
          "offsets.topic.num.partitions": "4",
          "offsets.topic.replication.factor": "1",
          # Groups that are empty go when somebody looks, each in its time.
          "offsets.retention.check.interval.ms": str(2 ** 31),
          "group.initial.rebalance.delay.ms": "0",
          "group.consumer.assignment.interval.ms": "0",
          "group.consumer.session.timeout.ms": "60000",
          "group.min.session.timeout.ms": "1000",
          # A fetch of Kafka's ends where a segment does. What comes in one
          # chapter comes in one segment, however old it says it is.
          "log.roll.ms": str(2 ** 63 - 1),
          "log.retention.ms": "-1", "transaction.max.timeout.ms": "900000",
          "transaction.state.log.num.partitions": "4", "auto.create.topics.enable": "false",
          "max.incremental.fetch.session.cache.slots": "100000"}


class LeftKafka(Kafka):
    def __init__(self, classpath, directory):
        super().__init__(classpath, directory)
        # A short life: no compiler that pays off after minutes.
        self.java[1:1] = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                          "-Xshare:auto"]

    def prepare(self):
        controller = free_port()
        lines = {
            **COMMON, "process.roles": "broker,controller",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},"
                         f"CONTROLLER://127.0.0.1:{controller}",
            "log.dirs": os.path.join(self.directory, "data"),
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            # On a busy machine it must not lose its own broker.
            "broker.session.timeout.ms": "3600000"}
        with open(self.properties(), "w") as file:
            file.writelines(f"{k}={v}\n" for k, v in lines.items())
        subprocess.run(
            [*self.java, "kafka.tools.StorageTool", "format", "-t",
             "AAAAAAAAAAAAAAAAAAAAAQ", "-c", self.properties(), "--feature",
             "eligible.leader.replicas.version=0"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class RightMillrace(Millrace):
    def command(self):
        sets = [x for k, v in COMMON.items() for x in ("--set", f"{k}={v}")]
        return [*super().command(), *sets]


class Report:
    def __init__(self, shown_max):
        self.counts = collections.Counter()
        self.first = {}
        self.shown_max = shown_max
        self.chapter = None

    def difference(self, api, version, body, found, left, right):
        fresh = False
        for difference in found:
            key = str(difference) if len(found) < 4 else \
                str(difference).split(":")[0]
            self.counts[key] += 1
            if key in self.first:
                continue
            self.first[key] = (self.chapter, version, body)
            if len(self.first) <= self.shown_max:
                fresh = True
                print(f"DIFFERENT {difference}")
        if fresh:
            print(f"  chapter {self.chapter}, ", end="")
            self.trace(api, version, body, left, right)
        if api.name not in HARMLESS:
            raise Diverged(str(found[0]))

    @staticmethod
    def trace(api, version, body, left, right):
        print(f"{api.name} v{version} {str(body)[:WIDTH]}\n"
              f"  left  {str(left.shown())[:WIDTH]}\n"
              f"  right {str(right.shown())[:WIDTH]}", flush=True)

    def close(self):
        if self.counts:
            print(f"--- {sum(self.counts.values())} differences"
                  f" of {len(self.counts)} kinds:")
        for key, count in self.counts.most_common(60):
            chapter, version, _ = self.first[key]
            print(f"{count:6} {key}  (v{version}, chapter {chapter})")


def both_advertise(pair):
    """The versions of each API that both have; what only the left has."""
    api = pair.apis["api_versions"]
    sides = pair.quiet(api, 0, {})
    left, right = ({k["api_key"]: (k["min_version"], k["max_version"])
                    for k in side.body["api_keys"]} for side in sides)
    by_key = {a.key: a for a in pair.apis.values()}
    shared, missing = {}, []
    for key, (first, last) in sorted(left.items()):
        if key not in right:
            missing.append((key, first, last))
            continue
        low, high = max(first, right[key][0]), min(last, right[key][1])
        if (first, last) != right[key]:
            missing.append((key, first, last, *right[key]))
        a = by_key[key]
        shared[a.name] = (max(low, a.first), min(high, a.last))
    return shared, missing


def warm_up(chapter, pair):
    """Coordinators, and the topic that `settle` uses."""
    pair.quiet(pair.apis["create_topics"], 5, {"topics": [
        {"name": BARRIER, "num_partitions": 1, "replication_factor": 1}],
        "timeout_ms": 30000})
    chapter.settle()
    for n in range(32):
        name = f"warm-{n}"
        chapter._both_until(
            "find_coordinator", 1, {"key": name, "key_type": 0},
            lambda a: a["error_code"] == 0)
        chapter._both_until("offset_fetch", 5, {"group_id": name,
                                                "topics": []},
                            lambda a: a["error_code"] == 0)
        chapter._both_until(
            "find_coordinator", 1, {"key": name, "key_type": 1},
            lambda a: a["error_code"] == 0)
        chapter._both_until("end_txn", 0, {
            "transactional_id": name, "producer_id": 1, "producer_epoch": 0},
            lambda a: a["error_code"] == 49)
    chapter._both_until("init_producer_id", 1, {
        "transactional_id": None, "transaction_timeout_ms": 1000},
        lambda a: a["error_code"] == 0)
    chapter._both_until("find_coordinator", 6, {
        "key_type": 2, "coordinator_keys": ["warm:AAAAAAAAAAAAAAAAAAAAAQ:0"]},
        lambda a: a["coordinators"][0]["error_code"] == 0)


def write_chapter(chapter, pair, length, recipes):
    weights = [r[0] for r in recipes]
    end = pair.asked + length
    try:
        for _ in range(2):
            recipes_topics.create_topics(chapter)
        while pair.asked < end:
            try:
                chapter.rng.choices(recipes, weights)[0][2](chapter)
            except Unsettled as why:
                print(f"left alone: {why}", flush=True)
    except Diverged as why:
        return why
    return None


def run(options, kafka, millrace):
    pair = Pair(read_definitions(), kafka.port, millrace.port)
    pair.shared, missing = both_advertise(pair)
    report = Report(1000 if options.all else 20)
    pair.on_difference = report.difference
    if options.trace:
        pair.on_answers = report.trace
    try:
        return write(options, pair, report, missing)
    finally:
        report.close()
        for server in (kafka, millrace):
            if server.process.poll() is not None:
                print(f"{server.name} has ended: {server.process.returncode}")
                with open(server.directory + ".out", errors="replace") as out:
                    print(out.read()[-2000:])


MODULES = (recipes_topics, recipes_logs, recipes_groups, recipes_consumers,
           recipes_transactions, recipes_quotas, recipes_security,
           recipes_shares)


def recipes_of(options, pair):
    """Those of the stream, or of the APIs that `--only` names."""
    only = options.only.split(",") if options.only else None
    return [r for module in MODULES for r in module.RECIPES
            if r[1] in pair.shared and (only is None or r[1] in only)]


def write(options, pair, report, missing):
    at = time.monotonic()
    warm_up(Chapter(pair, options.seed, "w"), pair)
    print(f"both are ready after {time.monotonic() - at:.1f} s", flush=True)
    recipes = recipes_of(options, pair)
    without = sorted(set(pair.shared) - {r[1] for r in recipes})
    began = time.monotonic()
    number = options.chapter or 0
    diverged = 0
    while True:
        report.chapter = number
        at = time.monotonic()
        differences = sum(report.counts.values())
        chapter = Chapter(pair, options.seed, number)
        chapter.node = 1
        why = write_chapter(chapter, pair, CHAPTER_LENGTH, recipes)
        if why is not None or differences != sum(report.counts.values()):
            diverged += 1
        if why is not None:
            if not report.counts or options.all:
                print(f"chapter {number} ended: {str(why)[:300]}", flush=True)
        if time.monotonic() - at > 15:
            print(f"chapter {number} took {time.monotonic() - at:.0f} s",
                  flush=True)
        try:
            recipes_transactions.quiesce(chapter)
            recipes_consumers.quiesce(chapter)
            recipes_groups.quiesce(chapter)
            recipes_quotas.quiesce(chapter)
            recipes_security.quiesce(chapter)
            chapter.finish()
        except Diverged as still:
            diverged += why is None
            print(f"chapter {number} does not end: {str(still)[:600]}",
                  flush=True)
        number += 1
        if number % 50 == 0:
            print(f"{number} chapters, {pair.asked} requests,"
                  f" {time.monotonic() - began:.0f} s", flush=True)
        if options.chapter is not None or pair.asked >= options.requests \
                or time.monotonic() - began > options.seconds:
            break
    unused = [e for e in EXCEPTIONS if e not in pair.comparison.excused]
    if options.chapter is None and options.requests >= 5000:
        for exception in unused:
            print(f"not needed: the exception {exception.path}")
    for line in missing:
        print("only Kafka's:", *line)
    if without:
        print("without a recipe:", *without)
    print(f"{pair.asked} requests, {diverged} of {number} chapters differ, "
          f"{len(EXCEPTIONS)} exceptions, "
          f"{time.monotonic() - began:.0f} s, seed {options.seed}")
    assert len(EXCEPTIONS) <= MOST_EXCEPTIONS, "too many exceptions"
    return 1 if diverged else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chapter", type=int)
    parser.add_argument("--seconds", type=int, default=1 << 30)
    parser.add_argument("--only")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    classpath = os.path.join(os.environ["MILLRACE_CLIENTS"], "java.classpath")
    with tempfile.TemporaryDirectory(prefix="millrace-differential-") as at, \
            LeftKafka(classpath, at) as kafka, \
            RightMillrace(os.environ["MILLRACE_BINARY"], at) as millrace:
        kafka.start()
        millrace.start()
        return run(options, kafka, millrace)


if __name__ == "__main__":
    sys.exit(main())
