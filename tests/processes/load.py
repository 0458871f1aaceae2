"""Real clients under way, and a record of all that they were told: idempotent
producers and a group of consumers, by librdkafka."""
import os
import subprocess
import threading
import time

from confluent_kafka import (
    OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer,
    TopicPartition)

from nodes import Failed, check
from told_offsets import ToldOffsets

# Quick to try again: fail-over is what is looked at.
QUICK = {
    "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100,
    "retry.backoff.ms": 20, "retry.backoff.max.ms": 100,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "socket.connection.setup.timeout.ms": 1000,
    "topic.metadata.refresh.interval.ms": 5000, "log_level": 0}


class History:
    """Lines for judge_history; see there. From several threads."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "w")
        self.lock = threading.Lock()
        self.runs = 0
        self.sent = self.acknowledged = self.read = 0

    def new_run(self):
        with self.lock:
            self.runs += 1
            return self.runs

    def send(self, partition, value, client, begin, end, outcome, offset):
        with self.lock:
            self.sent += 1
            self.acknowledged += outcome == "acknowledged"
            if offset is None:  # the server has it already, and says no more
                offset = -1
            self.file.write(f"send {partition} {value} {client} {begin} {end} "
                            f"{outcome} {offset}\n")

    def see(self, partition, offset, value, run):
        with self.lock:
            self.read += 1
            self.file.write(f"read {partition} {offset} {value} {run}\n")

    def final(self, run):
        with self.lock:
            self.file.write(f"final {run}\n")

    def judge(self):
        """Ends the test if the answers prove any anomaly."""
        self.file.close()
        done = subprocess.run([os.environ["MILLRACE_JUDGE"], self.path],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0,
              f"the history is not right:\n{done.stdout}{done.stderr}")
        print(done.stdout.strip(), flush=True)


def now_ns():
    return time.monotonic_ns()


class Writer(threading.Thread):
    """One idempotent producer; its values are its own."""

    def __init__(self, bootstrap, topic, partitions, history, number,
                 per_second=2000, settings=None):
        super().__init__(daemon=True)
        self.topic, self.partitions = topic, partitions
        self.history, self.number = history, number
        self.per_second = per_second
        self.next = 0
        self.open = {}  # value: (partition, begin)
        self.stopping = threading.Event()
        self.acks = []  # (begin, end) of what was acknowledged, in ns
        self.ends = {}  # by partition: the last offset acknowledged
        self.offsets = ToldOffsets()
        self.failures = {}
        self.fatal = None
        self.producer = Producer({
            "bootstrap.servers": bootstrap, "enable.idempotence": True,
            "acks": "all", "linger.ms": 2, "batch.num.messages": 200,
            "message.timeout.ms": 120000, "request.timeout.ms": 1000,
            "socket.timeout.ms": 1500, "error_cb": self.on_error,
            **QUICK, **(settings or {})})
        self.start()

    def on_error(self, error):
        if error.fatal():
            self.fatal = str(error)

    def told(self, error, message):
        end = now_ns()
        value = int(message.value())
        partition, begin = self.open.pop(value)
        if error is None:
            offset = self.offsets.of(message)
            self.acks.append((begin, end))
            if offset is not None:
                self.ends[partition] = offset
            self.history.send(partition, value, self.number, begin, end,
                              "acknowledged", offset)
            return
        self.failures[error.name()] = self.failures.get(error.name(), 0) + 1
        self.history.send(
            partition, value, self.number, begin, end, "unknown", -1)

    def run(self):
        while not self.stopping.is_set():
            for _ in range(max(self.per_second // 100, 1)):
                value = self.number << 40 | self.next
                partition = self.next % self.partitions
                self.open[value] = (partition, now_ns())
                try:
                    self.producer.produce(self.topic, str(value),
                                          partition=partition,
                                          on_delivery=self.told)
                except (BufferError, KafkaException):
                    del self.open[value]  # it was not taken
                    break
                self.next += 1
            self.producer.poll(0.01)

    def finish(self):
        self.stopping.set()
        self.join()
        left = self.producer.flush(150)
        check(self.fatal is None, f"the producer gave up: {self.fatal}")
        check(left == 0, f"{left} records got no answer")

    def acknowledged_after(self, moment_ns):
        """When the first record was acknowledged that was sent after."""
        for begin, end in list(self.acks):
            if begin > moment_ns:
                return end
        return None


class Reader(threading.Thread):
    """One member of a group that commits what it has read."""

    def __init__(self, bootstrap, topic, group, history):
        super().__init__(daemon=True)
        self.topic, self.history = topic, history
        self.runs = {}  # by partition: of this assignment
        self.read = {}  # by partition: the next offset
        self.committed = {}  # by partition: acknowledged commits
        self.stopping = threading.Event()
        self.failed = None
        self.consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": group,
            "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
            "socket.timeout.ms": 3000, "fetch.wait.max.ms": 100, **QUICK})
        self.subscribe()
        self.start()

    def subscribe(self):
        self.consumer.subscribe([self.topic], on_assign=self.on_assign)

    def on_assign(self, _, partitions):
        self.read.clear()  # what is not committed yet is read again
        for p in partitions:
            self.runs[p.partition] = self.history.new_run()

    def run(self):
        try:
            while not self.stopping.is_set():
                for message in self.consumer.consume(500, 0.1):
                    self.take(message)
                self.commit()
        except Exception as error:  # told by finish()
            self.failed = error

    def take(self, message):
        if message.error():
            if message.error().code() == KafkaError.NOT_COORDINATOR:
                # After this answer to OffsetFetch librdkafka never asks again
                # (its issue 5586): it is told to begin anew.
                self.consumer.unsubscribe()
                self.subscribe()
                return
            if message.error().code() in (
                    KafkaError._PARTITION_EOF, KafkaError._MAX_POLL_EXCEEDED,
                    KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT,
                    KafkaError._TIMED_OUT,
                    KafkaError.UNKNOWN_TOPIC_OR_PART):
                return
            raise Failed(f"a consumer got {message.error()}")
        partition = message.partition()
        self.history.see(partition, message.offset(), int(message.value()),
                         self.runs[partition])
        self.read[partition] = message.offset() + 1

    def commit(self):
        if not self.read:
            return
        offsets = [TopicPartition(self.topic, p, o)
                   for p, o in self.read.items()]
        try:
            for done in self.consumer.commit(
                    offsets=offsets, asynchronous=False):
                if done.error is None:
                    self.committed[done.partition] = done.offset
                    self.read.pop(done.partition)
        except KafkaException:
            pass  # tried again, or read again by whom it is assigned then

    def finish(self):
        self.stopping.set()
        self.join(60)
        check(self.failed is None, f"a consumer failed: {self.failed}")
        check(not self.is_alive(), "a consumer ends")
        self.consumer.close()


def read_everything(bootstrap, topic, partitions, history, seconds=120):
    """The final run: all partitions from the beginning to the end."""
    run = history.new_run()
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "final",
        "enable.auto.commit": False, "enable.partition.eof": True, **QUICK})
    try:
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING)
                         for p in range(partitions)])
        ended, deadline = set(), time.monotonic() + seconds
        while len(ended) < partitions:
            check(time.monotonic() < deadline,
                  f"all of {topic} can be read; partitions "
                  f"{set(range(partitions)) - ended} cannot")
            for message in consumer.consume(1000, 0.5):
                if message.error() is None:
                    history.see(message.partition(), message.offset(),
                                int(message.value()), run)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
    finally:
        consumer.close()
    history.final(run)


def committed(bootstrap, topic, group, partitions):
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": group,
                       **QUICK})
    try:
        found = reader.committed(
            [TopicPartition(topic, p) for p in range(partitions)], 60)
        return {p.partition: p.offset for p in found}
    finally:
        reader.close()
