"""How long single requests take while a node does everything that it does from
day to day: an open loop of small batches at half of what the server takes at
most, while logs are cut by retention, a topic is compacted, and a reader goes
through a backlog. Beside Kafka's in one run, each at half of its own, and
Millrace at Kafka's half too. Writes bench/steady_results.md.

usage: build/clients/venv/bin/python bench/driver/steady.py [--seconds S]
         [--load FILE] [--only millrace|kafka]
"""
import contextlib
import json
import os
import subprocess
import sys
import tempfile

import beside
import results
from built import ROOT
from confluent_kafka.admin import AdminClient, NewTopic
from servers import Kafka, Millrace

PARTITIONS = 30
BATCH = {"records": 10, "record-bytes": 100, "acks": -1}
MAXIMUM = {"connections": 4, "in-flight": 16, "requests": 200_000}
BACKLOG = 256 << 20
TOPICS = {
    "load": (PARTITIONS, {"retention.bytes": 8 << 20,
                          "segment.bytes": 2 << 20}),
    "compacted": (4, {"cleanup.policy": "compact", "segment.bytes": 1 << 20,
                      "min.cleanable.dirty.ratio": "0.01"}),
    "backlog": (4, {}),
}
SETTINGS = {"log.retention.check.interval.ms": 5000,
            "log.cleaner.backoff.ms": 1000}
LIMIT_MS = 10


class Steady:
    def __init__(self, told):
        self.program = told.load
        self.seconds = told.seconds

    def command(self, server, name, topic, **options):
        words = [self.program, name, "--port", str(server.port), "--topic",
                 topic, "--partitions", str(TOPICS[topic][0])]
        for key, value in options.items():
            words += ["--" + key.replace("_", "-"), str(value)]
        return words

    def run(self, server, name, topic, **options):
        done = subprocess.run(
            self.command(server, name, topic, pid=server.process.pid,
                         **options),
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{server.name}, {name}: {done.stderr}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def beside_it(self, server):
        """What goes on all the time."""
        long = self.seconds + 3600  # ended by us
        commands = (
            self.command(server, "steady", "compacted", records=100, rate=20,
                         keys=100, seconds=long),
            self.command(server, "fetch", "backlog", bytes=1 << 50,
                         mb_per_s=20))
        running = [subprocess.Popen(words, stdout=subprocess.DEVNULL)
                   for words in commands]
        try:
            yield
            if any(one.poll() is not None for one in running):
                raise RuntimeError("what goes on beside the load has ended")
        finally:
            for one in running:
                one.kill()
                one.wait()

    def prepare(self, server):
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{server.port}"})
        for made in admin.create_topics(
                [NewTopic(name, partitions, 1, config={
                    k: str(v) for k, v in configs.items()})
                 for name, (partitions, configs) in TOPICS.items()]).values():
            made.result(60)
        while self.run(server, "produce", "backlog", records=100,
                       requests=100).get("errors"):
            pass  # Kafka tells of a topic before it takes records
        self.run(server, "produce", "backlog", records=1000, in_flight=8,
                 requests=BACKLOG // 100_000)

    def maximum(self, server):
        """Requests a second; the first run is for the JIT compiler."""
        for _ in range(2):
            seen = self.run(server, "produce", "load", **BATCH, **MAXIMUM)
        return seen["requests_per_s"]

    def at(self, server, rate):
        os.sync()  # what was written before is nobody's to wait for
        with self.beside_it(server):
            seen = self.run(server, "steady", "load", connections=4, rate=rate,
                            seconds=self.seconds, **BATCH)
        if seen["errors"]:
            raise RuntimeError(f"{server.name}: {seen['errors']} errors")
        print(server.name, seen, file=sys.stderr, flush=True)
        return seen


def line(name, what, seen):
    times = [seen[key] / 1000 for key in ("p50_us", "p99_us", "p999_us",
                                          "max_us")]
    verdict = results.verdict(times[2] <= LIMIT_MS) if name == "Millrace" \
        else ""
    return (f"| {name} | {what} | {results.short(seen['requests_per_s'])} | "
            + " | ".join(results.short(t) for t in times)
            + f" | {results.short(seen['cpu_us_per_request'])} | {verdict} |")


def main():
    parser = beside.options(__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--load", default=os.path.join(
        ROOT, "build", "release", "bin", "millrace_load"), metavar="FILE")
    told = parser.parse_args()
    load = Steady(told)
    lines = [
        f"Open loop, 10 x 100 B over {PARTITIONS} partitions, acks=all, each "
        f"for {told.seconds} s. What Millrace answers is on disk, what Kafka "
        "answers is not. Latencies are from when a request was due.", "",
        "| | at | requests/s | p50 ms | p99 ms | p99.9 ms | max ms "
        f"| server CPU us/request | p99.9 <= {LIMIT_MS} ms |",
        "|---|---|---|---|---|---|---|---|---|"]
    half_of = {}
    with tempfile.TemporaryDirectory() as folder:
        classpath = os.path.join(
            os.environ["MILLRACE_CLIENTS"], "java.classpath")
        for server in (Kafka(classpath, folder, settings=SETTINGS),
                       Millrace(os.environ["MILLRACE_BINARY"], folder,
                                settings=SETTINGS)):
            if told.only not in (None, server.name):
                continue
            with server:
                server.start()
                load.prepare(server)
                name = server.name.capitalize()
                half_of[server.name] = load.maximum(server) / 2
                rates = {"half of its most": half_of[server.name]}
                if server.name == "millrace" and "kafka" in half_of:
                    rates["half of Kafka's most"] = half_of["kafka"]
                for what, rate in rates.items():
                    lines.append(line(name, what, load.at(server, rate)))
    if told.only is None:
        beside.write("steady_results.md", "Results of day to day", lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
