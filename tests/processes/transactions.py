#!/usr/bin/env python3
"""Exactly once, while nodes and workers are killed.

Three nodes. Workers take numbers from one topic and write what they make of
them into another, with the offsets of what they took, one transaction for each
handful (librdkafka, KIP-447). Meanwhile the nodes that lead are killed, one
after the other, and a worker walks away in the middle of a transaction. In the
end every number is there, once.
"""
import sys
import threading

from confluent_kafka import (
    Consumer, KafkaException, Producer, TopicPartition)

from nodes import LONG, Cluster, check, test_folder, until

SOURCE, SINK, GROUP = "source", "sink", "workers"
PARTITIONS = 3
NUMBERS = 20_000 if LONG else 4_000
KILLS = 12 if LONG else 4


class Worker:
    """Takes, makes, commits; begins anew after whatever ends its producer."""

    def __init__(self, bootstrap, name):
        self.bootstrap, self.name = bootstrap, name
        self.transactions = 0
        self.failure = None
        self.stopping = threading.Event()
        self.walks_away = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping.is_set():
            consumer = Consumer({
                "bootstrap.servers": self.bootstrap, "group.id": GROUP,
                "auto.offset.reset": "earliest", "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "session.timeout.ms": 6000})
            consumer.subscribe([SOURCE])
            producer = Producer({
                "bootstrap.servers": self.bootstrap,
                "transactional.id": self.name,
                "transaction.timeout.ms": 10_000})
            try:
                self.repeat(producer.init_transactions)
                self.work(consumer, producer)
            except KafkaException as why:
                print(f"{self.name} begins anew: {why.args[0].str()}",
                      flush=True)
            except Exception as why:  # told by the main thread
                self.failure = why
                raise
            finally:
                consumer.close()

    def repeat(self, what, *arguments):
        while True:
            try:
                return what(*arguments)
            except KafkaException as why:
                if not why.args[0].retriable() or self.stopping.is_set():
                    raise

    def work(self, consumer, producer):
        while not self.stopping.is_set():
            records = consumer.consume(20, 0.5)
            records = [r for r in records if not r.error()]
            if not records:
                continue
            producer.begin_transaction()
            try:
                for record in records:
                    producer.produce(SINK, record.value(),
                                     partition=record.partition())
                if self.walks_away.is_set():
                    self.walks_away.clear()
                    producer.flush(10)
                    return
                self.repeat(producer.send_offsets_to_transaction,
                            consumer.position(consumer.assignment()),
                            consumer.consumer_group_metadata(), 10)
                self.repeat(producer.commit_transaction, 10)
                self.transactions += 1
            except KafkaException as why:
                if not why.args[0].txn_requires_abort():
                    raise
                self.repeat(producer.abort_transaction, 10)
                self.go_back(consumer)

    @staticmethod
    def go_back(consumer):
        mine = consumer.assignment()
        for at in consumer.committed(mine, 30):
            consumer.seek(TopicPartition(at.topic, at.partition,
                                         max(at.offset, 0)))


def committed_numbers(bootstrap, seconds):
    """All that read_committed gives, up to its end."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "judge",
                       "isolation.level": "read_committed"})
    numbers = []
    for index in range(PARTITIONS):
        at = TopicPartition(SINK, index, 0)
        end = reader.get_watermark_offsets(at, seconds)[1]
        reader.assign([at])
        while reader.position([at])[0].offset < end:
            for record in reader.consume(1000, 1):
                if record.error():
                    raise KafkaException(record.error())
                numbers.append(int(record.value()))
            if not reader.assignment() or end == 0:
                break
    reader.close()
    return numbers


def fill(bootstrap):
    producer = Producer({"bootstrap.servers": bootstrap,
                         "enable.idempotence": True})
    for number in range(NUMBERS):
        producer.produce(SOURCE, str(number), partition=number % PARTITIONS)
        producer.poll(0)
    check(producer.flush(60) == 0, "the source is filled")


def all_taken(bootstrap):
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP})
    try:
        at = reader.committed(
            [TopicPartition(SOURCE, i) for i in range(PARTITIONS)], 10)
        return sum(max(p.offset, 0) for p in at) == NUMBERS
    except KafkaException:
        return False
    finally:
        reader.close()


def main():
    with test_folder("transactions") as folder, Cluster(folder) as cluster:
        cluster.start_all()
        for topic in (SOURCE, SINK):
            cluster.create_topic(topic, PARTITIONS, 3)
        fill(cluster.bootstrap)
        workers = [Worker(cluster.bootstrap, f"worker-{i}") for i in range(2)]
        for kill in range(KILLS):
            before = sum(w.transactions for w in workers)
            if kill == 1:
                workers[0].walks_away.set()
            victim = cluster.await_leader(
                ("__transaction_state", "__consumer_offsets", SINK)[kill % 3]
                if before else SINK)
            cluster.kill(victim)
            until(lambda: sum(w.transactions for w in workers) > before + 3
                  or all_taken(cluster.bootstrap), 90,
                  "transactions are committed with a node down")
            cluster.start(victim)
            cluster.await_in_sync(SINK, PARTITIONS, 3)
        until(lambda: all_taken(cluster.bootstrap), 240,
              "everything is taken")
        for worker in workers:
            worker.stopping.set()
        for worker in workers:
            worker.thread.join(60)
            check(worker.failure is None, f"{worker.name}: {worker.failure}")
        numbers = committed_numbers(cluster.bootstrap, 30)
        check(sorted(numbers) == list(range(NUMBERS)),
              f"every number is there once: {len(numbers)} of {NUMBERS}, "
              f"{len(set(numbers))} different ones")
        cluster.check_alive()
        print(f"{sum(w.transactions for w in workers)} transactions, "
              f"{KILLS} nodes killed, {NUMBERS} numbers once each")


if __name__ == "__main__":
    sys.exit(main())
