"""Kafka Connect, distributed: a file's lines go into a topic, exactly once, and
from there into another file, while workers are killed.

The first worker is killed in the middle of the lines and started again; then a
second one joins, the first is killed for good, and the second goes on with what
it did. A reader of committed records must find each line once and in order; the
other file, to which a killed sink may write again what it had not committed,
all of them, and never a gap.
"""
import json
import os
import urllib.error
import urllib.request

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

from programs import (
    SERVER, Failed, Java, check, free_ports, properties, test_folder, until)

FILE = "org.apache.kafka.connect.file.FileStream"
INTERNAL = {"configs": 1, "offsets": 2, "status": 2}  # topics, and partitions
LINES, BATCH = 1000, 50  # at a time; and of one transaction
# The source reads a kilobyte at a time and hands out what it has read of more
# than a batch only with what it reads next: no two lines may be in one.
PAD = "." * 1100
SECONDS = 200  # far more than anything takes, but on a busy machine
ADMIN = AdminClient({"bootstrap.servers": SERVER})


class Worker(Java):
    def __init__(self, folder, name):
        self.port = free_ports(1)[0]
        settings = {
            "bootstrap.servers": SERVER, "group.id": "connect",
            "listeners": f"http://127.0.0.1:{self.port}",
            "plugin.discovery": "service_load",
            "exactly.once.source.support": "enabled",
            "offset.storage.partitions": INTERNAL["offsets"],
            "status.storage.partitions": INTERNAL["status"],
            "offset.flush.interval.ms": 500,
            # How long what a killed source has left open holds up the others.
            "producer.transaction.timeout.ms": 5000,
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 1000,
            # What a lost worker did goes to the others at once.
            "scheduled.rebalance.max.delay.ms": 0}
        for side in ("key", "value"):
            settings[f"{side}.converter"] = (
                "org.apache.kafka.connect.storage.StringConverter")
        for kind, topic in (("config", "configs"), ("offset", "offsets"),
                            ("status", "status")):
            settings[f"{kind}.storage.topic"] = topic
            settings[f"{kind}.storage.replication.factor"] = -1
        super().__init__(
            folder, name, "org.apache.kafka.connect.cli.ConnectDistributed",
            properties(os.path.join(folder, f"{name}.properties"), settings))

    def ask(self, path, method="GET", body=None):
        """What its REST interface says; None where it cannot yet."""
        self.check_runs()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            data=body and json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or "true")
        except urllib.error.HTTPError as why:
            # Not found yet, in a rebalance, or not ready.
            if why.code not in (404, 409, 500, 503):
                raise Failed(f"{method} {path}: {why.code} "
                             f"{why.read()}") from why
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            pass
        return None

    def until_told(self, path, *words, **body):
        return until(lambda: self.ask(path, *words, **body), SECONDS,
                     f"{self.name} answers {path}")

    def await_running(self, *connectors):
        """Until they and their tasks run, as this worker knows it."""
        def run():
            return all(
                (told := self.ask(f"/connectors/{name}/status"))
                and told["tasks"] and all(
                    part["state"] == "RUNNING"
                    for part in (told["connector"], *told["tasks"]))
                for name in connectors)
        until(run, SECONDS, f"{connectors} run")

    def at_work(self):
        """The workers that run tasks, as this one knows it."""
        told = [self.ask(f"/connectors/{name}/status")
                for name in ("source", "sink")]
        return {task["worker_id"] for one in told if one
                for task in one["tasks"]}


def number(line):
    first, rest = line.split()
    check(rest == PAD, f"line {first} is whole")
    return int(first)


class Files:
    def __init__(self, folder):
        self.source = os.path.join(folder, "source.txt")
        self.sink = os.path.join(folder, "sink.txt")
        self.written = 0
        self.add()

    def add(self):
        with open(self.source, "a") as file:
            file.writelines(f"{n} {PAD}\n" for n in
                            range(self.written, self.written + LINES))
        self.written += LINES

    def arrived(self):
        try:
            with open(self.sink) as file:
                return [number(line) for line in file]
        except FileNotFoundError:
            return []

    def last(self):
        return max(self.arrived(), default=-1)

    def await_all(self, worker):
        def there():
            worker.check_runs()
            return self.last() == self.written - 1
        until(there, SECONDS, "all lines arrive")

    def check_sink(self):
        lines = self.arrived()
        for before, now in zip([-1, *lines], lines):
            check(now <= before + 1, f"after line {before} comes {now}")
        check(set(lines) == set(range(self.written)), "all lines are there")
        return len(lines) - self.written


def make_connectors(worker, files):
    for name, config in (
            ("source", {"connector.class": FILE + "SourceConnector",
                        "tasks.max": 1, "file": files.source,
                        "topic": "lines", "batch.size": BATCH,
                        "exactly.once.support": "required"}),
            ("sink", {"connector.class": FILE + "SinkConnector",
                      "tasks.max": 1, "file": files.sink, "topics": "lines",
                      "consumer.override.isolation.level":
                          "read_committed"})):
        worker.until_told(f"/connectors/{name}/config", "PUT", body=config)
    worker.await_running("source", "sink")


def kill_in_the_middle(worker, files):
    """Where some lines have arrived, and others have not."""
    while True:
        files.add()
        before = files.last()

        def some():
            worker.check_runs()
            return files.last() > before
        until(some, SECONDS, "some lines arrive")
        if files.last() < files.written - 1:
            break
    worker.kill()
    files.add()


def internal_topics():
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name)
             for name in INTERNAL]
    for at, future in ADMIN.describe_configs(asked).items():
        policy = future.result(30)["cleanup.policy"].value
        check(policy == "compact", f"{at.name} is compacted, not {policy}")
    topics = ADMIN.list_topics(timeout=30).topics
    told = {name: len(topics[name].partitions) for name in INTERNAL}
    check(told == INTERNAL, f"Connect's topics have {told} partitions")
    print("ok   Connect's own topics are compacted")


def check_topic(files):
    consumer = Consumer({
        "bootstrap.servers": SERVER, "group.id": "judge",
        "enable.auto.commit": False, "isolation.level": "read_committed"})
    consumer.assign([TopicPartition("lines", 0, 0)])
    expected = 0

    def read():
        nonlocal expected
        for record in consumer.consume(1000, 0.1):
            check(not record.error(), f"a reader is told {record.error()}")
            check(number(record.value().decode()) == expected,
                  f"line {expected} is next, not {record.value()}")
            expected += 1
        return expected == files.written
    until(read, SECONDS, "every line is in the topic")
    consumer.close()


def one_worker(folder, files):
    with Worker(folder, "first") as worker:
        make_connectors(worker, files)
        internal_topics()
        files.await_all(worker)
        kill_in_the_middle(worker, files)
    with Worker(folder, "first-again") as worker:
        files.await_all(worker)
        print("ok   a worker that was killed goes on where it was")
        with Worker(folder, "second") as second:
            second.until_told("/connectors")
            until(lambda: len(second.at_work()) == 2, SECONDS,
                  "both workers have tasks")
            kill_in_the_middle(worker, files)
            files.await_all(second)
            second.await_running("source", "sink")
            check(second.at_work() == {f"127.0.0.1:{second.port}"},
                  f"the second worker does it all: {second.at_work()}")
            print("ok   another one takes over from one that is killed")
            for name in ("source", "sink"):
                second.until_told(f"/connectors/{name}", "DELETE")
            until(lambda: second.ask("/connectors") == [], SECONDS,
                  "there are no connectors any more")
            second.stop()


def main():
    with test_folder("connect") as folder:
        files = Files(folder)
        one_worker(folder, files)
        check_topic(files)
        again = files.check_sink()
        print(f"ok   {files.written} lines, each once in the topic; {again} of "
              "them came to the sink's file again")


if __name__ == "__main__":
    main()
