#!/usr/bin/env python3
"""kill -9 at random moments under an idempotent producer: every acknowledged
record is there once, at the offset that was told, and in order; a committed
offset is never behind the last acknowledged commit.

The page cache outlives a killed process, so this cannot show a missing sync:
the simulation and the record of the server's writes are for that.
"""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "processes"))
from told_offsets import ToldOffsets  # noqa: E402

LONG = os.environ.get("MILLRACE_LONG") == "1"
ROUNDS = 300 if LONG else 12
PARTITIONS = 3


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.kafka = "127.0.0.1:0"  # then the one that the server took
        self.process = None
        self.starts = []

    def start(self):
        began = time.monotonic()
        with open(f"{self.folder}/log", "ab") as log:
            self.process = subprocess.Popen(
                [os.environ["MILLRACE_BINARY"], "serve", "--data-dir",
                 f"{self.folder}/data", "--kafka", self.kafka, "--http",
                 "off"], stdout=log, stderr=log)
        while self.kafka.endswith(":0"):
            check(self.process.poll() is None, "the server ended by itself")
            check(time.monotonic() < began + 30, "the server did not start")
            with open(f"{self.folder}/log") as log:
                for line in log:
                    if line.split()[:1] == ["Kafka"]:
                        self.kafka = line.split()[1]
            threading.Event().wait(0.01)
        host, port = self.kafka.split(":")
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
                break
            except OSError:
                check(self.process.poll() is None, "the server ended by itself")
                check(time.monotonic() < began + 30, "the server did not start")
                threading.Event().wait(0.01)
        self.starts.append(time.monotonic() - began)

    def kill(self):
        check(self.process.poll() is None, "the server ended by itself")
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def check(condition, sentence):
    if not condition:
        raise AssertionError(sentence)


class Load:
    """Counts up, each number to partition (number mod PARTITIONS)."""

    def __init__(self, server, topic):
        self.topic, self.acked, self.next = topic, {}, 0
        self.stop, self.failed = threading.Event(), []
        self.offsets = ToldOffsets()
        self.producer = Producer({
            "bootstrap.servers": server, "enable.idempotence": True,
            "linger.ms": 2, "batch.num.messages": 50,
            "message.timeout.ms": 120000, "reconnect.backoff.max.ms": 100,
            "retry.backoff.ms": 50, "log_level": 0})
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def done(self, error, message):
        if error:
            self.failed.append(str(error))
        else:
            self.acked[int(message.value())] = self.offsets.of(message)

    def run(self):
        while not self.stop.is_set():
            for _ in range(20):
                self.producer.produce(
                    self.topic, str(self.next),
                    partition=self.next % PARTITIONS, on_delivery=self.done)
                self.next += 1
            self.producer.poll(0.005)

    def finish(self):
        self.stop.set()
        self.thread.join()
        check(self.producer.flush(120) == 0, "some records got no answer")


def commits(server, group, topic, value):
    """Commits for all partitions; tells whether it was acknowledged."""
    reader = Consumer({"bootstrap.servers": server, "group.id": group,
                       "log_level": 0})
    try:
        reader.commit(offsets=[TopicPartition(topic, p, value)
                               for p in range(PARTITIONS)],
                      asynchronous=False)
        return True
    except KafkaException:
        return False
    finally:
        reader.close()


def committed(server, group, topic):
    reader = Consumer({"bootstrap.servers": server, "group.id": group,
                       "log_level": 0})
    try:
        found = reader.committed(
            [TopicPartition(topic, p) for p in range(PARTITIONS)], 30)
        return min(p.offset for p in found)
    finally:
        reader.close()


def read_all(server, topic):
    reader = Consumer({"bootstrap.servers": server, "group.id": "reader",
                       "enable.partition.eof": True, "log_level": 0})
    reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    found, ends, until = [], 0, time.monotonic() + 120
    while ends < PARTITIONS:
        check(time.monotonic() < until, "reading everything took too long")
        for record in reader.consume(10000, 1):
            if record.error():
                ends += 1
            else:
                found.append((record.partition(), record.offset(),
                              int(record.value())))
    reader.close()
    return found


def verify(load, found):
    by_partition = {}
    for partition, offset, value in found:
        by_partition.setdefault(partition, []).append((offset, value))
    at = {}
    for partition, records in by_partition.items():
        offsets = [o for o, _ in records]
        check(offsets == list(range(len(offsets))),
              f"partition {partition}: offsets have a gap")
        values = [v for _, v in records]
        expected = list(range(partition, load.next, PARTITIONS))
        check(values == expected[:len(values)],
              f"partition {partition}: a record is missing, doubled or out of "
              "order")
        at.update((v, o) for o, v in records)
    for value, offset in load.acked.items():
        check(value in at and offset in (at[value], None),
              f"record {value} was acknowledged at {offset} and is at "
              f"{at.get(value)}")


def run(folder, seed):
    chance = random.Random(seed)
    server = Server(folder)
    server.start()
    admin = AdminClient({"bootstrap.servers": server.kafka})
    admin.create_topics([NewTopic(
        "crash", PARTITIONS, 1, config={"segment.bytes": "1048576"})]
    )["crash"].result(20)
    load = Load(server.kafka, "crash")
    last_commit = 0
    try:
        for number in range(1, ROUNDS + 1):
            threading.Event().wait(chance.uniform(0.1, 1.0))
            if commits(server.kafka, "group", "crash", number):
                last_commit = number
            threading.Event().wait(chance.uniform(0.0, 0.3))
            server.kill()
            server.start()
            check(committed(server.kafka, "group", "crash") >= last_commit,
                  "an acknowledged commit is gone")
        load.finish()
        check(load.failed == [], f"failed records: {load.failed[:3]}")
        check(len(load.acked) == load.next, "not every record was answered")
        check(len(load.acked) > ROUNDS * 20, "too few records for a test")
        check(last_commit > 0, "no commit was ever acknowledged")
        verify(load, read_all(server.kafka, "crash"))
    finally:
        load.stop.set()
        if server.process.poll() is None:
            server.kill()
    print(f"seed {seed} rounds {ROUNDS} acknowledged {len(load.acked)} "
          f"slowest start {max(server.starts):.3f} s ok")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    folder = tempfile.mkdtemp()
    try:
        run(folder, seed)
    except BaseException:
        print(f"FAILED with seed {seed}; the end of the server's log:")
        with open(f"{folder}/log", "rb") as log:
            print(log.read()[-3000:].decode(errors="replace"))
        raise
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
