"""kafka-python against the server: the oldest that people run and the newest,
whichever PYTHONPATH names."""
import os
import sys
import threading
import time
import unittest
import uuid

import kafka
from kafka import (KafkaAdminClient, KafkaConsumer, KafkaProducer,
                   TopicPartition)
from kafka.admin import (ConfigResource, ConfigResourceType, NewPartitions,
                         NewTopic)
from kafka.errors import (KafkaError, TopicAlreadyExistsError,
                          UnknownTopicOrPartitionError)
from kafka.structs import OffsetAndMetadata

SERVER = os.environ["BOOTSTRAP"]
OLD = kafka.__version__.startswith("2.0")


def fresh(prefix="t"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def consumer(*topics, **options):
    settings = dict(bootstrap_servers=SERVER, auto_offset_reset="earliest",
                    consumer_timeout_ms=20000)
    settings.update(options)
    return KafkaConsumer(*topics, **settings)


def take(source, count):
    records = []
    for record in source:
        records.append(record)
        if len(records) == count:
            break
    return records


class Client(unittest.TestCase):
    def setUp(self):
        self.admin = KafkaAdminClient(bootstrap_servers=SERVER)
        self.addCleanup(self.admin.close)

    def topic(self, partitions=1, **configs):
        name = fresh()
        self.admin.create_topics([NewTopic(
            name, num_partitions=partitions, replication_factor=1,
            topic_configs={k.replace("_", "."): v
                           for k, v in configs.items()})])
        return name

    def producer(self, **options):
        producer = KafkaProducer(bootstrap_servers=SERVER, **options)
        self.addCleanup(producer.close)
        return producer

    def reader(self, *topics, **options):
        reader = consumer(*topics, **options)
        self.addCleanup(reader.close)
        return reader

    def test_records_come_back_as_they_were_sent(self):
        topic = self.topic(retention_ms="-1")  # the timestamps are of old
        producer = self.producer(acks="all")
        sent = producer.send(topic, b"value", key=b"key", timestamp_ms=123456,
                             headers=[("a", b"1"), ("a", b"")]).get(10)
        self.assertEqual(sent.offset, 0)
        producer.send(topic, None, key=b"tombstone").get(10)
        first, second = take(self.reader(topic), 2)
        self.assertEqual((first.key, first.value, first.timestamp),
                         (b"key", b"value", 123456))
        self.assertEqual([tuple(h) for h in first.headers],
                         [("a", b"1"), ("a", b"")])
        self.assertEqual((second.key, second.value, second.offset),
                         (b"tombstone", None, 1))

    def test_a_topic_is_made_by_its_first_use(self):
        topic = fresh("auto")
        self.producer().send(topic, b"x").get(20)
        self.assertEqual(take(self.reader(topic), 1)[0].value, b"x")

    def test_each_codec_comes_back(self):
        codecs = ["gzip", "snappy", "lz4", "zstd"]
        for codec in codecs:
            with self.subTest(codec=codec):
                topic = self.topic()
                producer = self.producer(compression_type=codec, linger_ms=50)
                for i in range(500):
                    producer.send(topic, b"%d " % i * 20)
                producer.flush(20)
                values = [r.value for r in take(self.reader(topic), 500)]
                self.assertEqual(values, [b"%d " % i * 20 for i in range(500)])

    def test_acks_0_and_1_are_stored_too(self):
        topic = self.topic()
        for acks in (0, 1):
            producer = self.producer(acks=acks)
            for i in range(100):
                producer.send(topic, b"%d %d" % (acks, i))
            producer.flush(20)
        values = {r.value for r in take(self.reader(topic), 200)}
        self.assertEqual(len(values), 200)

    def test_partitions_keep_their_order(self):
        topic = self.topic(partitions=4)
        producer = self.producer(linger_ms=5)
        for i in range(4000):
            producer.send(topic, b"%d" % i, key=b"k%d" % (i % 37))
        producer.flush(20)
        last, partition_of = {}, {}
        for record in take(self.reader(topic), 4000):
            self.assertEqual(
                partition_of.setdefault(record.key, record.partition),
                record.partition)
            self.assertLess(last.get(record.key, -1), int(record.value))
            last[record.key] = int(record.value)
        self.assertEqual(len(last), 37)

    def test_positions_by_offset_time_and_end(self):
        topic = self.topic(retention_ms="-1")
        producer = self.producer()
        for i in range(10):
            producer.send(topic, b"%d" % i, timestamp_ms=1000 + i * 10).get(10)
        reader = self.reader()
        partition = TopicPartition(topic, 0)
        reader.assign([partition])
        self.assertEqual(reader.beginning_offsets([partition]), {partition: 0})
        self.assertEqual(reader.end_offsets([partition]), {partition: 10})
        found = reader.offsets_for_times({partition: 1045})[partition]
        self.assertEqual((found.offset, found.timestamp), (5, 1050))
        self.assertIsNone(reader.offsets_for_times({partition: 9999})[partition])
        reader.seek(partition, 7)
        self.assertEqual([r.value for r in take(reader, 3)],
                         [b"7", b"8", b"9"])

    def test_a_group_commits_and_goes_on(self):
        topic, group = self.topic(), fresh("g")
        producer = self.producer()
        for i in range(20):
            producer.send(topic, b"%d" % i).get(10)
        partition = TopicPartition(topic, 0)
        reader = consumer(topic, group_id=group, enable_auto_commit=False)
        self.assertEqual(len(take(reader, 12)), 12)
        offset = (12, "half-way") if OLD else (12, "half-way", -1)
        reader.commit({partition: OffsetAndMetadata(*offset)})
        reader.close()
        reader = self.reader(topic, group_id=group, enable_auto_commit=False)
        self.assertEqual(take(reader, 1)[0].offset, 12)
        self.assertEqual(reader.committed(partition), 12)
        self.assertEqual(reader.committed(partition, metadata=True).metadata,
                         "half-way")

    def test_members_share_the_partitions_and_take_over(self):
        topic, group = self.topic(partitions=6), fresh("g")
        producer = self.producer()
        seen, guard, stop = [], threading.Lock(), threading.Event()
        owned = {}

        def member(name, leaves):
            reader = consumer(topic, group_id=group, session_timeout_ms=6000,
                              heartbeat_interval_ms=200,
                              max_poll_interval_ms=30000)
            while not stop.is_set() and not leaves.is_set():
                polled = reader.poll(timeout_ms=200)
                with guard:
                    for records in polled.values():
                        seen.extend(int(r.value) for r in records)
                    owned[name] = len(reader.assignment())
            with guard:
                owned.pop(name, None)
            reader.close()

        leaving = [threading.Event() for _ in range(3)]
        threads = [threading.Thread(target=member, args=(i, leaving[i]))
                   for i in range(3)]
        for thread in threads:
            thread.start()
        try:
            self.until(lambda: sorted(owned.values()) == [2, 2, 2], guard)
            leaving[0].set()
            threads[0].join()
            self.until(lambda: sorted(owned.values()) == [3, 3], guard)
            for i in range(600):
                producer.send(topic, b"%d" % i)
            producer.flush(20)
            self.until(lambda: len(set(seen)) == 600, guard)
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def until(self, condition, guard, seconds=60):
        end = time.monotonic() + seconds
        while True:
            with guard:
                if condition():
                    return
            if time.monotonic() > end:
                self.fail("what was waited for did not come")
            threading.Event().wait(0.05)

    def test_topics_are_made_described_grown_and_deleted(self):
        topic = self.topic(partitions=2, retention_ms="3600000")
        with self.assertRaises(TopicAlreadyExistsError):
            self.admin.create_topics([NewTopic(topic, 1, 1)])
        self.assertIn(topic, self.admin.list_topics())
        self.admin.create_partitions({topic: NewPartitions(5)})
        described = self.admin.describe_topics([topic])[0]
        self.assertEqual(len(described["partitions"]), 5)
        self.admin.delete_topics([topic])
        with self.assertRaises((UnknownTopicOrPartitionError, KafkaError)):
            self.admin.delete_topics([topic])

    @unittest.skipUnless(OLD, "the newest gives configurations in another form")
    def test_configurations_are_described_and_altered(self):
        topic = self.topic(retention_ms="3600000")

        def values():
            answers = self.admin.describe_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic)])
            return {c[0]: c[1] for c in answers[0].resources[0][4]}
        self.assertEqual(values()["retention.ms"], "3600000")
        self.admin.alter_configs([ConfigResource(
            ConfigResourceType.TOPIC, topic,
            configs={"max.message.bytes": "2000000"})])
        self.assertEqual(values()["max.message.bytes"], "2000000")

    def test_groups_are_listed_and_described(self):
        topic, group = self.topic(), fresh("g")
        self.producer().send(topic, b"x").get(10)
        reader = self.reader(topic, group_id=group)
        take(reader, 1)
        reader.commit()
        listed = [g[0] if isinstance(g, tuple) else
                  g["group_id"] if isinstance(g, dict) else g.group_id
                  for g in self.admin.list_consumer_groups()] if OLD else None
        if OLD:
            self.assertIn(group, listed)
            described = self.admin.describe_consumer_groups([group])[0]
            self.assertEqual(described.state, "Stable")
            self.assertEqual(len(described.members), 1)
            offsets = self.admin.list_consumer_group_offsets(group)
            self.assertEqual(offsets[TopicPartition(topic, 0)].offset, 1)

    def test_a_record_of_ten_megabytes_comes_back(self):
        topic = self.topic(max_message_bytes="11000000")
        value = os.urandom(10_000_000)
        self.producer(max_request_size=12_000_000, acks="all").send(
            topic, value).get(60)
        # Above the fetch's limits it is given alone (KIP-74).
        reader = self.reader(topic, fetch_max_bytes=2000,
                             max_partition_fetch_bytes=1000)
        self.assertEqual(take(reader, 1)[0].value, value)

    def test_a_record_too_large_for_the_topic_is_refused(self):
        topic = self.topic(max_message_bytes="10000")
        with self.assertRaises(KafkaError):
            self.producer().send(topic, b"x" * 20000).get(10)
        self.assertEqual(
            self.producer().send(topic, b"x" * 5000).get(10).offset, 0)


if __name__ == "__main__":
    print("kafka-python", kafka.__version__)
    unittest.main(verbosity=2, argv=sys.argv)
