"""The programs that Kafka's own system tests judge brokers with, and its
console tools, of one release of Kafka.

usage: java_programs.py CLASSPATH     java or java_3_9: see tools/clients.sh
"""
import collections
import json
import os
import re
import subprocess
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from programs import (
    SERVER, Java, check, classpath, java, properties, test_folder, until)

TOOLS = "org.apache.kafka.tools."
PARTITIONS = 3
RECORDS = 3000
COPIED = 5 * RECORDS  # so that a copier is killed before it is done
KEYS = 30  # enough for each partition to get some
SECONDS = 200  # far more than anything takes, but on a busy machine
AT = ("--bootstrap-server", SERVER)
ADMIN = AdminClient({"bootstrap.servers": SERVER})


def topic(name, partitions=PARTITIONS):
    ADMIN.create_topics([NewTopic(name, partitions, -1)])[name].result(30)
    return name


class Release:
    def __init__(self, folder, name):
        self.folder, self.jars = folder, classpath(name)
        self.earlier = name != "java"

    def run(self, name, *words, text=None):
        done = subprocess.run(
            [*java(self.folder, self.jars, "ERROR"), name, *map(str, words)],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=SECONDS, check=False)
        check(done.returncode == 0,
              f"{name} ended with {done.returncode}: {done.stdout[-4000:]}")
        return done.stdout

    def start(self, label, name, *words):
        return Java(self.folder, label, TOOLS + name, *words, jars=self.jars,
                    level="ERROR")

    def console_producer(self):
        return ("kafka.tools." if self.earlier else TOOLS) + "ConsoleProducer"

    def api_versions(self):
        return (("kafka.admin." if self.earlier else TOOLS)
                + "BrokerApiVersionsCommand")


def expect(what, pattern, text):
    check(re.search(pattern, text, re.MULTILINE),
          f"{what}: <{pattern}> is in: {text}")
    print(f"ok   {what}", flush=True)


def console(release):
    release.run(TOOLS + "TopicCommand", *AT, "--create", "--topic", "console",
                "--partitions", PARTITIONS)
    expect("kafka-topics creates and describes",
           f"Topic: console\t.*PartitionCount: {PARTITIONS}", release.run(
               TOOLS + "TopicCommand", *AT, "--describe", "--topic",
               "console"))
    lines = [f"key{i % 7}:value {i}" for i in range(RECORDS)]
    release.run(release.console_producer(), *AT, "--topic", "console",
                "--property", "parse.key=true", "--property",
                "key.separator=:", "--compression-codec", "zstd",
                text="\n".join(lines))
    said = release.run(
        TOOLS + "consumer.ConsoleConsumer", *AT, "--topic", "console",
        "--from-beginning", "--max-messages", RECORDS, "--timeout-ms",
        SECONDS * 1000, "--group", "console", "--property", "print.key=true",
        "--property", "key.separator=:")
    read = [line for line in said.splitlines() if line.startswith("key")]
    check(sorted(read) == sorted(lines), "the console consumer reads what the "
          f"console producer wrote: {said[-1000:]}")
    by_key = collections.defaultdict(list)
    for line in read:
        by_key[line.split(":")[0]].append(int(line.split()[-1]))
    check(all(numbers == sorted(numbers) for numbers in by_key.values()),
          "those of one key come in order")
    print("ok   kafka-console-consumer reads what kafka-console-producer "
          "wrote", flush=True)
    said = release.run(TOOLS + "consumer.group.ConsumerGroupCommand", *AT,
                       "--describe", "--group", "console")
    lag = re.findall(r"^console +console +\d +(\d+) +(\d+) +0 ", said,
                     re.MULTILINE)
    check(len(lag) == PARTITIONS and all(a == b for a, b in lag)
          and sum(int(a) for a, _ in lag) == RECORDS,
          f"kafka-consumer-groups finds no lag: {said}")
    print("ok   kafka-consumer-groups finds no lag", flush=True)


def performance(release):
    name = topic("performance")
    for more in ((), ("--transactional-id", "performance",
                      "--transaction-duration-ms", 100)):
        expect("kafka-producer-perf-test writes"
               + (" in transactions" if more else ""),
               f"^{RECORDS} records sent, .* max latency", release.run(
                   TOOLS + "ProducerPerformance", "--topic", name,
                   "--num-records", RECORDS, "--record-size", 200,
                   "--throughput", -1, *more, "--producer-props", "acks=all",
                   f"bootstrap.servers={SERVER}"))
    said = release.run(TOOLS + "ConsumerPerformance", *AT, "--topic", name,
                       "--messages", 2 * RECORDS, "--hide-header",
                       "--timeout", SECONDS * 1000)
    read = [line.split(", ") for line in said.splitlines() if ", " in line]
    check(read and int(read[-1][4]) == 2 * RECORDS,
          f"kafka-consumer-perf-test reads it all: {said}")
    print("ok   kafka-consumer-perf-test reads it all", flush=True)


class Verifier:
    """A verifiable consumer, and what it has told."""

    def __init__(self, release, label, name):
        self.program = release.start(
            label, "VerifiableConsumer", *AT, "--topic", name, "--group-id",
            "verifiable", "--session-timeout", 6000, "--verbose")

    def told(self, kind):
        """A line that is still being written does not count."""
        lines = self.program.said().split("\n")[:-1]
        events = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in events if event.get("name") == kind]

    def read(self):
        return {(at["topic"], at["partition"], at["offset"]): at["value"]
                for at in self.told("record_data")}

    def assigned(self):
        told = self.told("partitions_assigned")
        return len(told[-1]["partitions"]) if told else 0


def committed(name, group):
    reader = Consumer({"bootstrap.servers": SERVER, "group.id": group})
    try:
        at = reader.committed(
            [TopicPartition(name, i) for i in range(PARTITIONS)], 30)
        return sum(max(p.offset, 0) for p in at)
    finally:
        reader.close()


def verifiable(release):
    """Two consumers in a group, one of which is killed while records come."""
    name = topic("verifiable")
    first = Verifier(release, "consumer-1", name)
    second = Verifier(release, "consumer-2", name)
    with first.program, second.program:
        until(lambda: first.assigned() and second.assigned(), SECONDS,
              "both consumers have partitions")
        producer = release.start(
            "producer", "VerifiableProducer", *AT, "--topic", name,
            "--max-messages", RECORDS, "--throughput", 1000, "--acks", -1,
            "--repeating-keys", KEYS)
        with producer:
            until(lambda: first.read() and second.read(), SECONDS,
                  "both consumers read")
            first.program.kill()
            check(producer.process.wait(SECONDS) == 0, "the producer ends")
            expect("kafka-verifiable-producer sees every acknowledgement",
                   f'"sent":{RECORDS},"acked":{RECORDS}', producer.said())
        until(lambda: committed(name, "verifiable") == RECORDS, SECONDS,
              "all is read and committed")
        read = {**first.read(), **second.read()}
        check(sorted(map(int, read.values())) == list(range(RECORDS)),
              f"each record is read: {len(read)}")
        second.program.stop()
        print("ok   kafka-verifiable-consumer reads on for one that was "
              "killed", flush=True)


def copied(release):
    """In transactions, some of which are aborted, while a copier is killed."""
    source, sink = topic("source"), topic("sink")
    release.run(TOOLS + "VerifiableProducer", *AT, "--topic", source,
                "--max-messages", COPIED, "--acks", -1, "--repeating-keys",
                KEYS)

    def copier(label):
        return release.start(
            label, "TransactionalMessageCopier", "--broker-list", SERVER,
            "--transactional-id", "copier", "--consumer-group", "copiers",
            "--input-topic", source, "--input-partition", -1, "--output-topic",
            sink, "--transaction-size", 100, "--transaction-timeout", 20000,
            "--group-mode", "--use-group-metadata", "--enable-random-aborts")
    with copier("copier-1") as program:
        program.await_saying('"ProcessLoop"', SECONDS, times=3)
        program.kill()
    check(committed(source, "copiers") < COPIED, "some is left to copy")
    with copier("copier-2") as program:
        check(program.process.wait(SECONDS) == 0, "the copier ends")
    check(committed(source, "copiers") == COPIED, "all records are copied")
    reader = Consumer({"bootstrap.servers": SERVER, "group.id": "judge",
                       "isolation.level": "read_committed"})
    reader.assign([TopicPartition(sink, i, 0) for i in range(PARTITIONS)])
    numbers = []

    def arrived():
        numbers.extend(int(r.value()) for r in reader.consume(1000, 0.1)
                       if not r.error())
        return len(numbers) >= COPIED
    until(arrived, SECONDS, f"{COPIED} records can be read")
    check(sorted(numbers) == list(range(COPIED)), "each one once")
    reader.close()
    print("ok   a copier in transactions that was killed has copied each "
          "record once", flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with test_folder("programs") as folder:
        release = Release(folder, sys.argv[1])
        expect("kafka-broker-api-versions reads our ranges",
               r"ApiVersions\(18\): 0 to \d", release.run(
                   release.api_versions(), *AT))
        for part in (console, performance, verifiable, copied):
            part(release)


if __name__ == "__main__":
    main()
