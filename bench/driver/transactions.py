"""What transactions cost beside Kafka's: one node each, the same client
(librdkafka), taking turns in one run. Each is as it comes: what Millrace answers
is on disk, what Kafka answers is not. Writes bench/transaction_results.md.

usage: build/clients/venv/bin/python bench/driver/transactions.py [--runs N]
         [--seconds S] [--only millrace|kafka]
"""
import statistics
import threading
import time

import beside
import results
from confluent_kafka import Producer

# Producers, partitions, records of each transaction.
LOADS = {
    "a record in each": (1, 1, 1),
    "3 records over 10 partitions": (1, 10, 3),
    "100 records over 10 partitions": (1, 10, 100),
    "8 producers, 3 records over 10 partitions": (8, 10, 3),
}
FIGURES = ("transactions/s", "commit p50 ms", "commit p99 ms")


class Client:
    """Transactions one after the other, until it is told to stop."""

    def __init__(self, port, name, topic, partitions, records):
        self.producer = Producer({
            "bootstrap.servers": f"127.0.0.1:{port}",
            "transactional.id": name, "linger.ms": 0})
        self.topic, self.partitions = topic, partitions
        self.records = records
        self.commits = []
        self.count = 0
        self.producer.init_transactions(30)

    def one(self):
        self.producer.begin_transaction()
        for k in range(self.records):
            self.producer.produce(
                self.topic, b"x" * 100,
                partition=(self.count + k) % self.partitions)
        self.producer.flush(30)
        began = time.monotonic()
        self.producer.commit_transaction(30)
        self.commits.append(time.monotonic() - began)
        self.count += 1

    def run(self, until):
        while time.monotonic() < until:
            self.one()


def measure(server, load, seconds):
    """What FIGURES names."""
    producers, partitions, records = LOADS[load]
    topic = f"t{list(LOADS).index(load)}"
    beside.make_topic(server.port, topic, partitions)
    clients = [Client(server.port, f"{topic}-{i}", topic, partitions, records)
               for i in range(producers)]
    for client in clients:
        for _ in range(20):  # what is made once is made
            client.one()
        client.commits.clear()
    began = time.monotonic()
    threads = [threading.Thread(target=c.run, args=(began + seconds,))
               for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    commits = sorted(c for client in clients for c in client.commits)
    return (len(commits) / took,
            1000 * statistics.median(commits),
            1000 * commits[len(commits) * 99 // 100])


def main():
    arguments = beside.options(__doc__)
    arguments.add_argument("--seconds", type=float, default=5)
    told = arguments.parse_args()
    seen = beside.take_turns(told, lambda _, server: (
        (load, measure(server, load, told.seconds)) for load in LOADS))
    if told.only:
        return
    lines = [f"Medians of {told.runs} runs; the ratio is taken pair by pair.",
             "", "| load | figure | Millrace | Kafka | ratio |",
             "|---|---|---|---|---|"]
    for load in LOADS:
        for i, figure in enumerate(FIGURES):
            left, right = beside.both(seen, load, i)
            ratios = [a / b for a, b in zip(left, right)]
            lines.append(f"| {load} | {figure} | {results.spread(left)} "
                         f"| {results.spread(right)} "
                         f"| {results.spread(ratios)} |")
    beside.write("transaction_results.md", "Results of transactions", lines)


if __name__ == "__main__":
    main()
