"""MirrorMaker 2 brings a topic from a Kafka to the server at $BOOTSTRAP.

It is killed while records come and started again. Each record must be in the
mirrored topic once, in its partition, in order, with key, headers and time; the
topic's configuration comes along.
"""
import os
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from peer import QuickKafka
from programs import SERVER, Java, check, properties, test_folder, until

PARTITIONS = 2
RECORDS = 2000  # at a time
SECONDS = 200  # far more than anything takes, but on a busy machine
TOPIC, MIRRORED = "orders", "kafka.orders"
NOW = int(time.time() * 1000)


class Orders:
    def __init__(self, kafka):
        self.server = f"127.0.0.1:{kafka.port}"
        self.count = 0
        admin = AdminClient({"bootstrap.servers": self.server})
        admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1, config={
            "retention.ms": "987654321"})])[TOPIC].result(30)
        self.producer = Producer({"bootstrap.servers": self.server,
                                  "linger.ms": 5, "acks": "all"})

    def add(self):
        for i in range(self.count, self.count + RECORDS):
            self.producer.produce(
                TOPIC, key=f"k{i}", value=f"{i}", partition=i % PARTITIONS,
                headers=[("h", f"{i}".encode())], timestamp=NOW + i)
            self.producer.poll(0)
        check(self.producer.flush(SECONDS) == 0, "all is acknowledged")
        self.count += RECORDS


class Mirrored:
    """What a reader finds at the server."""

    def __init__(self):
        self.next = [0] * PARTITIONS
        self.reader = Consumer({
            "bootstrap.servers": SERVER, "group.id": "judge",
            "enable.auto.commit": False, "isolation.level": "read_committed",
            "allow.auto.create.topics": False})

    def there(self):
        return MIRRORED in self.reader.list_topics(timeout=30).topics

    def read(self):
        for record in self.reader.consume(1000, 0.1):
            check(not record.error(), f"a reader is told {record.error()}")
            partition = record.partition()
            i = self.next[partition] * PARTITIONS + partition
            found = (record.key(), record.value(), record.headers(),
                     record.timestamp()[1])
            check(found == (f"k{i}".encode(), f"{i}".encode(),
                            [("h", f"{i}".encode())], NOW + i),
                  f"record {i} is next in partition {partition}, not {found}")
            self.next[partition] += 1
        return sum(self.next)

    def await_records(self, count, mirror):
        def come():
            mirror.check_runs()
            return self.read() >= count
        until(come, SECONDS, f"{count} records are mirrored")


def mirror_maker(folder, name, orders):
    settings = {
        "clusters": "kafka, millrace",
        "kafka.bootstrap.servers": orders.server,
        "millrace.bootstrap.servers": SERVER,
        "kafka->millrace.enabled": "true", "topics": TOPIC,
        "replication.factor": -1, "tasks.max": 1,
        "millrace.exactly.once.source.support": "enabled",
        "refresh.topics.interval.seconds": 1,
        "millrace.producer.transaction.timeout.ms": 5000,
        "millrace.session.timeout.ms": 6000,
        "millrace.heartbeat.interval.ms": 1000}
    for what in ("checkpoints.topic", "heartbeats.topic", "offset-syncs.topic",
                 "config.storage", "offset.storage", "status.storage"):
        settings[f"{what}.replication.factor"] = -1
    return Java(folder, name, "org.apache.kafka.connect.mirror.MirrorMaker",
                properties(os.path.join(folder, f"{name}.properties"),
                           settings))


def check_settings(mirror):
    admin = AdminClient({"bootstrap.servers": SERVER})
    asked = ConfigResource(ConfigResource.Type.TOPIC, MIRRORED)

    def synced():
        mirror.check_runs()
        told = admin.describe_configs([asked])[asked].result(30)
        return told["retention.ms"].value == "987654321"
    until(synced, SECONDS, "the topic's configuration comes along")


def main():
    jars = os.path.join(os.environ["MILLRACE_CLIENTS"], "java.classpath")
    with test_folder("mirror") as folder, QuickKafka(jars, folder) as kafka:
        kafka.start()
        orders, mirrored = Orders(kafka), Mirrored()
        orders.add()
        with mirror_maker(folder, "mirror", orders) as mirror:
            until(mirrored.there, SECONDS, "the topic is mirrored")
            mirrored.reader.assign([TopicPartition(MIRRORED, i, 0)
                                    for i in range(PARTITIONS)])
            mirrored.await_records(1, mirror)
            check_settings(mirror)
            print("ok   the topic is mirrored, with its configuration",
                  flush=True)
            orders.add()
            mirror.kill()
        orders.add()
        with mirror_maker(folder, "mirror-again", orders) as mirror:
            orders.add()
            mirrored.await_records(orders.count, mirror)
            print(f"ok   each of {orders.count} records came once and in "
                  "order, though it was killed", flush=True)
            mirror.stop()


if __name__ == "__main__":
    main()
