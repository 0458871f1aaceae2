"""Kafka Streams counts words exactly once, and is killed meanwhile.

Lines of words come all the time. The counting program (streams/word_count.java,
exactly_once_v2) is killed inside a transaction and started again over the state
that it had; then it is killed again, and another one that has no state takes
over. Every count of every word must be told to who reads committed records,
once and in order; what the killed ones had written besides must not.
"""
import os
import random
import subprocess

from confluent_kafka import Consumer, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from programs import HERE, SERVER, Java, check, classpath, test_folder, until

PARTITIONS = 2
WORDS = [f"word{i}" for i in range(50)]
LINES, LINE = 500, 5  # at a time, and words of one
SECONDS = 200  # far more than anything takes, but on a busy machine
SEED = int(os.environ.get("MILLRACE_SEED", random.randrange(1 << 30)))
ADMIN = AdminClient({"bootstrap.servers": SERVER})


class Lines:
    def __init__(self, dice):
        self.dice = dice
        self.producer = Producer({"bootstrap.servers": SERVER, "linger.ms": 5,
                                  "enable.idempotence": True})
        self.counts = {}

    def add(self, count):
        for i in range(count):
            line = [self.dice.choice(WORDS) for _ in range(LINE)]
            for word in line:
                self.counts[word] = self.counts.get(word, 0) + 1
            self.producer.produce("lines", " ".join(line),
                                  partition=i % PARTITIONS)
            self.producer.poll(0)
        check(self.producer.flush(SECONDS) == 0, "all lines are acknowledged")

    def words(self):
        return sum(self.counts.values())


class Counts:
    """What a reader is told of the words."""

    def __init__(self, isolation):
        self.counts, self.records = {}, 0
        self.strict = isolation == "read_committed"
        self.consumer = Consumer({
            "bootstrap.servers": SERVER, "group.id": "judge",
            "enable.auto.commit": False, "isolation.level": isolation})
        self.consumer.assign(
            [TopicPartition("counts", i, 0) for i in range(PARTITIONS)])

    def read(self):
        for record in self.consumer.consume(1000, 0.1):
            check(not record.error(), f"a reader is told {record.error()}")
            word = record.key().decode()
            count = int.from_bytes(record.value(), "big")
            before = self.counts.get(word, 0)
            check(not self.strict or count == before + 1,
                  f"after {word} {before} comes {count}, at "
                  f"{record.partition()}/{record.offset()}")
            self.counts[word] = count
            self.records += 1
        return self.records

    def await_words(self, count, program):
        def read():
            program.check_runs()
            return self.read() >= count
        until(read, SECONDS, f"{count} words are counted")
        check(self.records == count,
              f"{count} words are counted, not {self.records}")


def ends(isolation):
    asked = {TopicPartition("counts", i): OffsetSpec.latest()
             for i in range(PARTITIONS)}
    futures = ADMIN.list_offsets(asked, isolation_level=isolation)
    return {at.partition: future.result(10).offset
            for at, future in futures.items()}


def transaction_open():
    """Whether something is written to `counts` and neither committed nor
    aborted."""
    stable = ends(IsolationLevel.READ_COMMITTED)
    return ends(IsolationLevel.READ_UNCOMMITTED) != stable


def counting(folder, state):
    return Java(folder, f"word-count-{state}", "WordCount", SERVER,
                os.path.join(folder, state),
                jars=f"{folder}:{classpath()}")


def kill_inside_transaction(program, lines):
    """False where it has committed after all before it was killed."""
    lines.add(LINES)

    def opened():
        program.check_runs()
        return transaction_open()
    until(opened, SECONDS, "a transaction is open")
    program.kill()
    lines.add(LINES)
    return transaction_open()


def count_and_die(folder, lines, committed):
    """Counts all there is, and is killed inside a transaction."""
    while True:
        with counting(folder, "first") as program:
            committed.await_words(lines.words(), program)
            if kill_inside_transaction(program, lines):
                return
        print("     it had just committed: once more")


def main():
    dice = random.Random(SEED)
    print(f"seed {SEED}")
    for future in ADMIN.create_topics(
            [NewTopic(name, PARTITIONS, -1)
             for name in ("lines", "counts")]).values():
        future.result(30)
    with test_folder("streams") as folder:
        subprocess.run(
            ["javac", "-Xlint:all,-processing,-classfile,-path", "-Werror",
             "-d", folder, "-cp", classpath(),
             os.path.join(HERE, "streams", "word_count.java")], check=True)
        lines, committed = Lines(dice), Counts("read_committed")
        lines.add(LINES)
        count_and_die(folder, lines, committed)
        count_and_die(folder, lines, committed)
        print("ok   killed in a transaction and started again: every word is "
              "counted once")
        with counting(folder, "second") as program:
            committed.await_words(lines.words(), program)
            lines.add(LINES)
            committed.await_words(lines.words(), program)
            print("ok   and one that had no state takes over")
            program.stop()
        check(committed.counts == lines.counts, "the counts are right")
        written = Counts("read_uncommitted")
        until(lambda: written.read() > committed.records, SECONDS,
              "what was aborted is there for who wants to see it")
        print(f"ok   {committed.records} words counted once each, and some "
              "more of which only read_uncommitted knows")


if __name__ == "__main__":
    main()
