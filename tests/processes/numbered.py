"""Records that say their number: written in order, and read in order."""
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from load import QUICK
from nodes import check

TOPIC = "t"
VALUE = "x" * 1000


def produce(cluster, begin, count):
    producer = Producer({"bootstrap.servers": cluster.bootstrap,
                         "enable.idempotence": True, "linger.ms": 5, **QUICK})
    for i in range(begin, begin + count):
        producer.produce(TOPIC, f"{i} {VALUE}", partition=0)
        producer.poll(0)
    check(producer.flush(30) == 0, "all records are acknowledged")


class Reader:
    """Everything from the beginning, in order."""

    def __init__(self, cluster, **settings):
        self.next = 0
        self.consumer = Consumer({
            "bootstrap.servers": cluster.bootstrap, "group.id": "g",
            "enable.auto.commit": False, "fetch.wait.max.ms": 500,
            "fetch.error.backoff.ms": 50, **QUICK, **settings})
        self.consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])

    def read_to(self, end, seconds=20):
        deadline = time.monotonic() + seconds
        while self.next < end:
            check(time.monotonic() < deadline,
                  f"record {self.next} comes within {seconds} s")
            for message in self.consumer.consume(500, 0.2):
                if message.error():
                    continue  # told of a node that is gone
                number = int(message.value().split()[0])
                check(number == message.offset() == self.next,
                      f"after {self.next - 1} comes {number} at offset "
                      f"{message.offset()}")
                self.next += 1
        check(self.next == end, f"nothing comes after {end - 1}")

    def close(self):
        self.consumer.close()
