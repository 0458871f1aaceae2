"""What compaction costs beside Kafka's cleaner: a log in which each key comes
several times is written to each server, which then is told to compact it.
Bytes of the log by seconds of processor time: of Kafka its cleaner thread's,
of Millrace all that the process takes. Writes bench/compaction_results.md.

usage: build/clients/venv/bin/python bench/driver/compaction.py [--runs N]
         [--load FILE] [--only millrace|kafka]
"""
import json
import os
import subprocess
import time

import beside
import results
from built import ROOT
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic,
    ResourceType)

SEGMENT = 64 << 20
DEADLINE_S = 300
AT_LEAST = 3
SETTINGS = {"log.cleaner.backoff.ms": 500,
            "log.cleaner.dedupe.buffer.size": 128 << 20}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Batches of 1000 records, of which a quarter are different ones.
SHAPES = {
    "a million keys, 8 values of 100 B each": {
        "keys": 1_000_000, "record-bytes": 100, "requests": 8000,
        "batches": 2000},
    "the same by lz4": {
        "keys": 1_000_000, "record-bytes": 100, "requests": 8000,
        "batches": 2000, "codec": "lz4"},
    "10,000 keys, 100 values of 1000 B each": {
        "keys": 10_000, "record-bytes": 1000, "requests": 1000,
        "batches": 250},
}
FIGURES = ("MB/s of a core", "MB before", "MB after")


def folder_of(server):
    """Where its logs are."""
    inner = os.path.join(server.directory, "data")
    return inner if os.path.isdir(inner) else server.directory


def segments(server, topic):
    """Base offsets and sizes."""
    folder = os.path.join(folder_of(server), f"{topic}-0")
    return {int(name[:-4]): os.path.getsize(os.path.join(folder, name))
            for name in os.listdir(folder) if name.endswith(".log")}


def clean_until(server, topic):
    """As its checkpoint says; 0 before there is one."""
    try:
        with open(os.path.join(folder_of(server),
                               "cleaner-offset-checkpoint")) as file:
            for line in file:
                words = line.split()
                if words[:2] == [topic, "0"]:
                    return int(words[2])
    except FileNotFoundError:
        pass
    return 0


def cpu_seconds(server):
    """Of what compacts."""
    tasks = f"/proc/{server.process.pid}/task"
    spent = 0.0
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/stat") as file:
            name, fields = file.read().split("(", 1)[1].rsplit(")", 1)
        if server.name == "millrace" or name.startswith("kafka-log-clean"):
            spent += sum(int(x) for x in fields.split()[11:13]) * TICK_S
    return spent


def set_ratio(admin, topic, ratio):
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
        ConfigEntry("min.cleanable.dirty.ratio", ratio,
                    incremental_operation=AlterConfigOpType.SET)])
    for outcome in admin.incremental_alter_configs([resource]).values():
        outcome.result(20)


def measure(server, program, topic, shape):
    """What FIGURES names."""
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{server.port}"})
    for made in admin.create_topics([NewTopic(topic, 1, 1, config={
            "cleanup.policy": "compact", "segment.bytes": str(SEGMENT),
            "min.cleanable.dirty.ratio": "1.0"})]).values():
        made.result(60)
    words = [program, "produce", "--port", str(server.port), "--topic", topic,
             "--records", "1000", "--in-flight", "8"]
    for key, value in shape.items():
        words += [f"--{key}", str(value)]
    told = json.loads(subprocess.run(
        words, check=True, stdout=subprocess.PIPE).stdout)
    if told["errors"]:
        raise RuntimeError(f"{server.name}: {told}")
    found = segments(server, topic)
    end = max(found)  # the active one is left alone
    sealed = sum(size for base, size in found.items() if base != end) / 1e6
    spent = cpu_seconds(server)
    set_ratio(admin, topic, "0.01")
    deadline = time.monotonic() + DEADLINE_S
    while clean_until(server, topic) < end:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{server.name} does not compact {topic}")
        time.sleep(0.2)
    spent = cpu_seconds(server) - spent
    left = sum(size for base, size in segments(server, topic).items()
               if base < end) / 1e6
    return sealed / spent, sealed, left


def main():
    parser = beside.options(__doc__.split("\n\n")[0])
    parser.add_argument("--load", default=os.path.join(
        ROOT, "build", "release", "bin", "millrace_load"), metavar="FILE")
    told = parser.parse_args()
    seen = beside.take_turns(told, lambda _, server: (
        (name, measure(server, told.load, f"compacted-{i}", shape))
        for i, (name, shape) in enumerate(SHAPES.items())), settings=SETTINGS)
    if told.only:
        return
    lines = [f"Medians of {told.runs} runs; the ratio is taken pair by pair. "
             "Of Kafka its cleaner's thread is counted, of Millrace the whole "
             "process.", "",
             "| log | figure | Millrace | Kafka | ratio | must be | |",
             "|---|---|---|---|---|---|---|"]
    for name in SHAPES:
        for i, figure in enumerate(FIGURES):
            left, right = beside.both(seen, name, i)
            ratios = [a / b for a, b in zip(left, right)]
            promise = ""
            if i == 0:
                reached = results.quartiles(ratios)[1] >= AT_LEAST
                promise = f">= {AT_LEAST} x | {results.verdict(reached)}"
            lines.append(f"| {name} | {figure} | {results.spread(left)} "
                         f"| {results.spread(right)} "
                         f"| {results.spread(ratios)} | {promise or ' | '} |")
    beside.write("compaction_results.md", "Results of compaction", lines)


if __name__ == "__main__":
    main()
