#!/usr/bin/env python3
"""Measures Millrace against the least that a server can do on this machine,
and against a real Kafka where one is there.

Base and Millrace are measured in interleaved pairs, each run with a server
of its own in a fresh directory, the same volume each time.

usage: bench/driver/driver.py [--help]
Needs: cmake --preset release -DMILLRACE_BENCH=ON, then its build.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import time

import alone
import results
from rows import ROWS
from servers import Floor, Kafka, Millrace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ALONE = ("fresh", "idle", "connections", "partitions")
# Of a load's requests, sent before measuring; Kafka's machine needs more to
# translate its hot loops, unless it waits for the disk all the time.
WARM_UP = 0.1
WARM_UP_KAFKA = 1.0
WARM_UP_DEADLINE_S = 60


def words():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    build = os.path.join(ROOT, "build", "release", "bin")
    parser.add_argument("--bin", default=build, metavar="DIR",
                        help="where the programs are (%(default)s)")
    parser.add_argument("--millrace", metavar="FILE",
                        help="the program to measure (DIR/millrace)")
    parser.add_argument("--dir", metavar="DIR",
                        default=os.path.join(ROOT, "build", "bench-data"),
                        help="for the servers' data; it is removed")
    parser.add_argument("--pairs", type=int, default=7, metavar="N")
    parser.add_argument("--rows", metavar="KEY,...", help="only these, of "
                        + ", ".join([r.key for r in ROWS] + list(ALONE)))
    parser.add_argument("--kafka", type=int, default=0, metavar="N",
                        help="runs of a real Kafka for each row")
    parser.add_argument("--kafka-classpath", metavar="FILE", default=os.path
                        .join(ROOT, "build", "clients", "java.classpath"))
    parser.add_argument("--results", metavar="FILE",
                        help="what is written (bench/RESULTS.md; with --rows"
                        " nothing)")
    return parser.parse_args()


class Driver:
    def __init__(self, options):
        self.options = options
        self.load_program = os.path.join(options.bin, "millrace_load")

    def load(self, server, name, load_options):
        """Runs the load against a server; returns its figures."""
        command = [self.load_program, name, "--port", str(server.port),
                   "--pid", str(server.process.pid)]
        for key, value in load_options.items():
            command += [f"--{key}", str(value)]
        run = subprocess.run(command, capture_output=True, text=True,
                             check=False, timeout=600)
        if run.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {run.stderr}")
        figures = json.loads(run.stdout)
        return figures

    def warm_up(self, server, load_options, name):
        """Until nothing fails: Kafka tells of a topic before it takes
        records."""
        deadline = time.monotonic() + WARM_UP_DEADLINE_S
        while time.monotonic() < deadline:
            if not self.load(server, name, load_options).get("errors"):
                return
            time.sleep(server.pause_s)
        raise RuntimeError(f"{server.name} goes on refusing the load")

    def millrace(self):
        program = self.options.millrace \
            or os.path.join(self.options.bin, "millrace")
        return Millrace(program, self.options.dir)

    def contender(self, kind, row):
        if kind == "millrace":
            return self.millrace()
        if kind == "kafka":
            flush = row.durable() and row.base != "kafka"
            return Kafka(self.options.kafka_classpath, self.options.dir,
                         flush)
        return Floor(os.path.join(self.options.bin, "millrace_floor"),
                     self.options.dir, kind == "floor_sync")

    def run(self, kind, row):
        """One run of a row's load: a fresh server, a topic, a warm-up."""
        with self.contender(kind, row) as server:
            server.start()
            topic = {"partitions": row.partitions}
            self.load(server, "create", topic)
            if row.fill:
                self.warm_up(server, {**row.fill, **topic, "requests": 1},
                             "produce")
                self.load(server, "produce", {**row.fill, **topic})
            translate = kind == "kafka" and not row.durable()
            part = WARM_UP_KAFKA if translate else WARM_UP
            size = "bytes" if row.load == "fetch" else "requests"
            warm = {size: int(row.options[size] * part)}
            options = {**row.options, **topic}
            self.warm_up(server, {**options, **warm}, row.load)
            figures = self.load(server, row.load, options)
            if figures.get("errors"):
                raise RuntimeError(f"{kind}, {row.key}: errors: {figures}")
            return figures

    def measure(self, row, page):
        seen = {row.base: [], "millrace": [], "kafka": []}
        for pair in range(self.options.pairs):
            order = [row.base, "millrace"]
            if pair % 2:
                order.reverse()
            if pair < self.options.kafka and row.base != "kafka":
                order.append("kafka")
            for kind in order:
                seen[kind].append(self.run(kind, row))
        for figure in row.figures:
            page.pairs(row, figure, *(
                [run[figure.name] for run in seen[kind]]
                for kind in (row.base, "millrace", "kafka")))

    def measure_alone(self, key, page):
        figures = {
            "fresh": lambda: alone.fresh(self.millrace, self.options.pairs),
            "idle": lambda: alone.idle(self.millrace),
            "connections":
                lambda: alone.connections(self.millrace, self.load),
            "partitions":
                lambda: alone.many_partitions(self.millrace, self.load),
        }[key]()
        for title, unit, values, limit in figures:
            page.alone(title, unit, values, limit)


def main():
    options = words()
    wanted = options.rows.split(",") if options.rows else None
    known = [row.key for row in ROWS] + list(ALONE)
    for key in wanted or []:
        if key not in known:
            sys.exit(f"driver: no row {key}; there are {', '.join(known)}")
    os.makedirs(options.dir, exist_ok=True)
    page = results.Page(ROOT, options.dir, options.kafka > 0)
    driver = Driver(options)
    try:
        page.begin_pairs()
        for row in ROWS:
            if wanted is None and row.base == "kafka" and not options.kafka:
                continue
            if wanted is None or row.key in wanted:
                driver.measure(row, page)
        alone_wanted = [k for k in ALONE if wanted is None or k in wanted]
        if alone_wanted:
            page.begin_alone()
        for key in alone_wanted:
            driver.measure_alone(key, page)
    finally:
        shutil.rmtree(options.dir, ignore_errors=True)
    written = options.results
    if written is None and wanted is None:
        written = os.path.join(ROOT, "bench", "RESULTS.md")
    if written is not None:
        page.write(written)
        print(f"written: {written}")
    print(f"{page.missed} targets missed")


if __name__ == "__main__":
    main()
