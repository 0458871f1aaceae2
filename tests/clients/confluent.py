"""confluent-kafka (librdkafka) against the server."""
import os
import subprocess
import sys
import time
import unittest
import uuid

import confluent_kafka
from confluent_kafka import (Consumer, ConsumerGroupTopicPartitions,
                             KafkaError, KafkaException, Producer,
                             TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType,
                                   ConfigEntry, ConfigResource, NewPartitions,
                                   NewTopic, OffsetSpec, ResourceType)

SERVER = os.environ["BOOTSTRAP"]
LONG = os.environ.get("MILLRACE_LONG") == "1"


def fresh(prefix="t"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


class Client(unittest.TestCase):
    def setUp(self):
        self.admin = AdminClient({"bootstrap.servers": SERVER})

    def topic(self, partitions=1, **configs):
        name = fresh()
        self.admin.create_topics([NewTopic(
            name, partitions, 1,
            config={k.replace("_", "."): v for k, v in configs.items()}
        )])[name].result(10)
        return name

    def producer(self, **options):
        return Producer({"bootstrap.servers": SERVER,
                         **{k.replace("_", "."): v
                            for k, v in options.items()}})

    def consumer(self, topic=None, **options):
        reader = Consumer({
            "bootstrap.servers": SERVER, "group.id": fresh("g"),
            "auto.offset.reset": "earliest", "enable.auto.commit": False,
            **{k.replace("_", "."): v for k, v in options.items()}})
        self.addCleanup(reader.close)
        if topic:
            reader.subscribe([topic])
        return reader

    def take(self, reader, count, seconds=60):
        records, end = [], time.monotonic() + seconds
        while len(records) < count:
            self.assertLess(time.monotonic(), end,
                            f"{len(records)} of {count} records came")
            for record in reader.consume(min(count - len(records), 10000), 1):
                if record.error():
                    raise KafkaException(record.error())
                records.append(record)
        return records

    def send(self, producer, topic, count, make=lambda i: {"value": str(i)}):
        errors = []

        def done(error, _):
            if error:
                errors.append(error)
        for i in range(count):
            while True:
                try:
                    producer.produce(topic, on_delivery=done, **make(i))
                    break
                except BufferError:
                    producer.poll(0.1)
        self.assertEqual(producer.flush(120), 0)
        self.assertEqual(errors, [])

    def until(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "it did not come about")


class Everything(Client):
    def test_many_records_come_back_each_once_and_in_order(self):
        count = 1_000_000 if LONG else 200_000
        topic = self.topic(partitions=3)
        self.send(self.producer(enable_idempotence=True, linger_ms=5), topic,
                  count, lambda i: {"value": f"{i}", "key": f"{i % 1000}"})
        last, total = {}, 0
        reader = self.consumer(topic)
        while total < count:
            for record in self.take(reader, min(50_000, count - total)):
                key, value = record.key(), int(record.value())
                self.assertEqual(value % 1000, int(key))
                self.assertEqual(value, last.get(key, int(key) - 1000) + 1000)
                last[key] = value
                total += 1
        self.assertEqual(len(last), 1000)
        self.assertEqual(reader.consume(1, 0.5), [])

    def test_each_codec_comes_back(self):
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            with self.subTest(codec=codec):
                topic = self.topic()
                self.send(self.producer(compression_type=codec, linger_ms=20),
                          topic, 2000, lambda i: {"value": f"{i} " * 30})
                records = self.take(self.consumer(topic), 2000)
                self.assertEqual([r.value().decode() for r in records],
                                 [f"{i} " * 30 for i in range(2000)])

    def test_a_topic_that_asks_for_a_codec_gets_it(self):
        for codec in ("zstd", "uncompressed"):
            with self.subTest(codec=codec):
                topic = self.topic(compression_type=codec)
                self.send(self.producer(compression_type="gzip", linger_ms=20),
                          topic, 500)
                records = self.take(self.consumer(topic), 500)
                self.assertEqual([int(r.value()) for r in records],
                                 list(range(500)))

    def test_a_record_of_ten_megabytes_comes_back(self):
        topic = self.topic(max_message_bytes="11000000")
        value = os.urandom(10_000_000)
        self.send(self.producer(message_max_bytes=12000000), topic, 1,
                  lambda i: {"value": value})
        reader = self.consumer(topic, fetch_message_max_bytes=1000)
        self.assertEqual(self.take(reader, 1)[0].value(), value)

    def test_headers_keys_timestamps_and_nulls_come_back(self):
        topic = self.topic(retention_ms="-1")
        self.send(self.producer(), topic, 1, lambda i: {
            "value": None, "key": b"\x00k", "timestamp": 1234567890123,
            "headers": [("h", b"1"), ("h", None), ("", b"")]})
        record = self.take(self.consumer(topic), 1)[0]
        self.assertEqual((record.value(), record.key()), (None, b"\x00k"))
        self.assertEqual(record.timestamp(), (1, 1234567890123))
        self.assertEqual(record.headers(),
                         [("h", b"1"), ("h", None), ("", b"")])

    def test_log_append_time_is_the_servers(self):
        topic = self.topic(message_timestamp_type="LogAppendTime")
        self.send(self.producer(), topic, 1,
                  lambda i: {"value": "x", "timestamp": 5})
        kind, stamp = self.take(self.consumer(topic), 1)[0].timestamp()
        self.assertEqual(kind, confluent_kafka.TIMESTAMP_LOG_APPEND_TIME)
        self.assertLess(abs(stamp - time.time() * 1000), 60_000)

    def share(self, **options):
        """Three members share; one leaves, one joins. Returns the group."""
        topic, group = self.topic(partitions=6), fresh("g")
        owned, seen = {}, []

        def join(name):
            member = Consumer({
                "bootstrap.servers": SERVER, "group.id": group,
                "auto.offset.reset": "earliest", **options})
            member.subscribe([topic])
            owned[name] = member

        def turn(condition):
            def step():
                for member in owned.values():
                    for record in member.consume(1000, 0.02):
                        if not record.error():
                            seen.append(int(record.value()))
                return condition()
            return step

        def shares():
            return sorted(len(m.assignment()) for m in owned.values())
        for name in range(3):
            join(name)
        self.until(turn(lambda: shares() == [2, 2, 2]))
        owned.pop(0).close()
        self.until(turn(lambda: shares() == [3, 3]))
        join(3)
        self.until(turn(lambda: shares() == [2, 2, 2]))
        self.send(self.producer(), topic, 500)
        self.until(turn(lambda: len(set(seen)) == 500))
        for member in owned.values():
            member.close()
        return group

    def share_classic(self, strategy):
        self.share(**{"session.timeout.ms": 6000, "heartbeat.interval.ms": 300,
                      "partition.assignment.strategy": strategy})

    def test_a_group_shares_eagerly(self):
        self.share_classic("range")
        self.share_classic("roundrobin")

    def test_a_group_shares_cooperatively(self):
        self.share_classic("cooperative-sticky")

    def share_assigned(self, assignor):
        """The same where the coordinator assigns (KIP-848)."""
        group = self.share(**{"group.protocol": "consumer",
                              "group.remote.assignor": assignor})
        # The answer to the last goodbye comes after close() has returned.
        described = self.admin.describe_consumer_groups([group])[group]
        self.assertEqual(described.result(10).type,
                         confluent_kafka.ConsumerGroupType.CONSUMER)

    def test_an_assigned_group_shares(self):
        self.share_assigned("uniform")
        self.share_assigned("range")

    def test_an_assigned_group_subscribes_by_a_pattern(self):
        topic = self.topic(partitions=2)
        reader = self.consumer(group_protocol="consumer")
        reader.subscribe([f"^{topic}.*"])
        self.until(lambda: reader.poll(0.1) or len(reader.assignment()) == 2)
        self.admin.create_topics([NewTopic(topic + "-more", 3, 1)])[
            topic + "-more"].result(10)
        self.until(lambda: reader.poll(0.1) or len(reader.assignment()) == 5)
        self.send(self.producer(), topic + "-more", 20)
        self.take(reader, 20)

    def test_a_static_member_of_an_assigned_group_comes_back(self):
        topic, group = self.topic(partitions=2), fresh("g")

        def join(name):
            return self.consumer(topic, group_id=group,
                                 group_instance_id=name,
                                 group_protocol="consumer")
        first, second = join("first"), join("second")
        self.until(lambda: first.poll(0.05) or second.poll(0.05) or (
            len(first.assignment()), len(second.assignment())) == (1, 1))
        held, kept = first.assignment(), second.assignment()
        first.close()
        again = join("first")
        self.until(lambda: again.poll(0.05) or second.poll(0.05)
                   or again.assignment() == held)
        self.assertEqual(second.assignment(), kept)

    def test_an_assigned_group_goes_on_where_it_was(self):
        topic, group = self.topic(), fresh("g")
        self.send(self.producer(), topic, 100)
        reader = self.consumer(topic, group_id=group,
                               group_protocol="consumer")
        self.take(reader, 100)
        reader.commit(offsets=[TopicPartition(topic, 0, 60)],
                      asynchronous=False)
        reader.close()
        for protocol in ("classic", "consumer"):
            reader = self.consumer(topic, group_id=group,
                                   group_protocol=protocol)
            self.assertEqual(self.take(reader, 40)[0].offset(), 60)
            reader.close()

    def test_a_member_that_is_killed_is_replaced(self):
        topic, group = self.topic(partitions=2), fresh("g")
        reader = self.consumer(topic, group_id=group,
                               session_timeout_ms=6000,
                               heartbeat_interval_ms=300)
        # Alone first: two that come together share the first assignment.
        self.until(lambda: reader.poll(0.1) or len(reader.assignment()) == 2)
        other = subprocess.Popen([sys.executable, "-c", f"""
from confluent_kafka import Consumer
c = Consumer({{"bootstrap.servers": "{SERVER}", "group.id": "{group}",
               "session.timeout.ms": 6000}})
c.subscribe(["{topic}"])
while True: c.poll(0.1)"""])
        try:
            self.until(lambda: reader.poll(0.1)
                       or len(reader.assignment()) == 1)
        finally:
            other.kill()
            other.wait()
        self.until(lambda: reader.poll(0.1) or len(reader.assignment()) == 2)
        self.send(self.producer(), topic, 20)
        self.take(reader, 20)

    def test_a_static_member_comes_back_without_a_rebalance(self):
        topic, group = self.topic(partitions=2), fresh("g")
        rebalances = []

        def join(name):
            member = self.consumer(
                group_id=group, group_instance_id=name,
                session_timeout_ms=30000, heartbeat_interval_ms=300)
            member.subscribe([topic], on_assign=lambda c, p:
                             rebalances.append((name, len(p))))
            return member
        first, second = join("first"), join("second")
        self.until(lambda: first.poll(0.05) or second.poll(0.05) or (
            len(first.assignment()), len(second.assignment())) == (1, 1))
        held = first.assignment()
        second_rebalances = [r for r in rebalances if r[0] == "second"]
        first.close()
        again = join("first")
        self.until(lambda: again.poll(0.05) or second.poll(0.05)
                   or again.assignment() == held)
        self.assertEqual([r for r in rebalances if r[0] == "second"],
                         second_rebalances)

    def test_a_commit_is_read_back(self):
        topic = self.topic()
        reader = self.consumer(topic)
        self.until(lambda: reader.poll(0.1) or reader.assignment())
        reader.commit(offsets=[TopicPartition(topic, 0, 3)],
                      asynchronous=False)
        self.assertEqual(
            reader.committed([TopicPartition(topic, 0)])[0].offset, 3)

    def test_positions_by_time_beginning_and_end(self):
        topic = self.topic(retention_ms="-1")
        self.send(self.producer(), topic, 10,
                  lambda i: {"value": f"{i}", "timestamp": 1000 + 10 * i})
        reader = self.consumer()
        low, high = reader.get_watermark_offsets(TopicPartition(topic, 0))
        self.assertEqual((low, high), (0, 10))
        found = reader.offsets_for_times([TopicPartition(topic, 0, 1041)])
        self.assertEqual(found[0].offset, 5)
        partition = TopicPartition(topic, 0)
        for spec, offset in ((OffsetSpec.earliest(), 0),
                             (OffsetSpec.latest(), 10),
                             (OffsetSpec.max_timestamp(), 9)):
            listed = self.admin.list_offsets({partition: spec})
            self.assertEqual(listed[partition].result(10).offset, offset)

    def test_a_position_beyond_the_end_is_out_of_range(self):
        topic = self.topic()
        self.send(self.producer(), topic, 5)
        reader = self.consumer(auto_offset_reset="error")
        reader.assign([TopicPartition(topic, 0, 100)])
        errors = []
        self.until(lambda: errors.extend(
            r.error().code() for r in reader.consume(1, 0.2) if r.error())
            or errors)
        self.assertIn(errors[0], (KafkaError._AUTO_OFFSET_RESET,
                                  KafkaError.OFFSET_OUT_OF_RANGE))

    def test_records_are_deleted_up_to_an_offset(self):
        topic = self.topic()
        self.send(self.producer(), topic, 10)
        partition = TopicPartition(topic, 0, 4)
        deleted = self.admin.delete_records([partition])
        self.assertEqual(deleted[partition].result(10).low_watermark, 4)
        records = self.take(self.consumer(topic), 6)
        self.assertEqual(records[0].offset(), 4)

    def test_configurations_are_described_and_altered(self):
        topic = self.topic(retention_ms="3600000")
        resource = ConfigResource(ResourceType.TOPIC, topic)

        def values():
            return self.admin.describe_configs([resource])[resource].result(10)
        self.assertEqual(values()["retention.ms"].value, "3600000")
        self.assertFalse(values()["retention.ms"].is_default)
        self.assertTrue(values()["segment.bytes"].is_default)
        change = ConfigResource(
            ResourceType.TOPIC, topic, incremental_configs=[
                ConfigEntry("max.message.bytes", "2000000",
                            incremental_operation=AlterConfigOpType.SET),
                ConfigEntry("retention.ms", None,
                            incremental_operation=AlterConfigOpType.DELETE)])
        self.admin.incremental_alter_configs([change])[change].result(10)
        self.assertEqual(values()["max.message.bytes"].value, "2000000")
        self.assertTrue(values()["retention.ms"].is_default)
        wrong = ConfigResource(
            ResourceType.TOPIC, topic, incremental_configs=[
                ConfigEntry("retention.ms", "soon",
                            incremental_operation=AlterConfigOpType.SET)])
        with self.assertRaises(KafkaException) as caught:
            self.admin.incremental_alter_configs([wrong])[wrong].result(10)
        self.assertEqual(caught.exception.args[0].code(),
                         KafkaError.INVALID_CONFIG)

    def test_topics_grow_and_go(self):
        topic = self.topic()
        grown = self.admin.create_partitions([NewPartitions(topic, 3)])
        grown[topic].result(10)
        listed = self.admin.list_topics(topic, 10).topics[topic]
        self.assertEqual(len(listed.partitions), 3)
        for name in ("no/such name", "..", "x" * 250):
            future = self.admin.create_topics([NewTopic(name, 1, 1)])[name]
            with self.assertRaises(KafkaException) as caught:
                future.result(10)
            self.assertEqual(caught.exception.args[0].code(),
                             KafkaError.TOPIC_EXCEPTION)
        self.admin.delete_topics([topic])[topic].result(10)
        self.assertNotIn(topic, self.admin.list_topics(timeout=10).topics)

    def test_a_name_used_again_starts_from_nothing(self):
        topic = self.topic()
        self.send(self.producer(), topic, 10)
        self.admin.delete_topics([topic])[topic].result(10)

        def made():
            future = self.admin.create_topics([NewTopic(topic, 1, 1)])[topic]
            try:
                future.result(10)
                return True
            except KafkaException:
                return False
        self.until(made)
        self.send(self.producer(), topic, 1, lambda i: {"value": "new"})
        record = self.take(self.consumer(topic), 1)[0]
        self.assertEqual((record.offset(), record.value()), (0, b"new"))

    def test_groups_are_listed_described_and_deleted(self):
        topic, group = self.topic(), fresh("g")
        self.send(self.producer(), topic, 3)
        reader = self.consumer(topic, group_id=group)
        self.take(reader, 3)
        reader.commit(asynchronous=False)
        names = [g.group_id for g in
                 self.admin.list_consumer_groups().result(10).valid]
        self.assertIn(group, names)
        described = self.admin.describe_consumer_groups([group])[group]
        self.assertEqual(described.result(10).state,
                         confluent_kafka.ConsumerGroupState.STABLE)
        with self.assertRaises(KafkaException):
            self.admin.delete_consumer_groups([group])[group].result(10)
        reader.unsubscribe()
        request = [ConsumerGroupTopicPartitions(group)]
        offsets = self.admin.list_consumer_group_offsets(request)
        found = offsets[group].result(10).topic_partitions
        self.assertEqual([(p.topic, p.offset) for p in found], [(topic, 3)])

        def deleted():
            try:
                self.admin.delete_consumer_groups([group])[group].result(10)
                return True
            except KafkaException:
                return False
        self.until(deleted)


class Transactions(Client):
    """Exactly once (KIP-98, KIP-360, KIP-447, KIP-588, KIP-664)."""

    def transactional(self, id=None, **options):
        made = self.producer(transactional_id=id or fresh("x"), **options)
        made.init_transactions(30)
        return made

    def committed(self, topic, count, **options):
        reader = self.consumer(topic, isolation_level="read_committed",
                               **options)
        return [r.value().decode() for r in self.take(reader, count)]

    def assert_no_more(self, reader):
        record = reader.poll(1)
        self.assertTrue(record is None or record.error(), record)

    def test_a_transaction_is_seen_when_it_is_committed_and_whole(self):
        topics = [self.topic(3), self.topic()]
        writer = self.transactional()
        reader = self.consumer(isolation_level="read_committed")
        reader.subscribe(topics)
        dirty = self.consumer(isolation_level="read_uncommitted")
        dirty.subscribe(topics)
        writer.begin_transaction()
        for i in range(300):
            writer.produce(topics[i % 2], f"kept {i}", partition=0)
        writer.flush(30)
        self.assertEqual(len(self.take(dirty, 300)), 300)
        self.assert_no_more(reader)
        writer.commit_transaction(30)
        self.assertEqual(
            sorted(r.value().decode() for r in self.take(reader, 300)),
            sorted(f"kept {i}" for i in range(300)))
        writer.begin_transaction()
        for i in range(100):
            writer.produce(topics[0], f"dropped {i}", partition=1)
        writer.flush(30)
        writer.abort_transaction(30)
        writer.begin_transaction()
        writer.produce(topics[0], "last", partition=1)
        writer.commit_transaction(30)
        self.assertEqual([r.value() for r in self.take(reader, 1)], [b"last"])

    def test_who_comes_later_fences_who_was_there(self):
        topic, id = self.topic(), fresh("x")
        old = self.transactional(id)
        old.begin_transaction()
        old.produce(topic, "of the old one")
        old.flush(30)
        new = self.transactional(id)
        new.begin_transaction()
        new.produce(topic, "of the new one")
        new.commit_transaction(30)
        with self.assertRaises(KafkaException) as fenced:
            old.commit_transaction(30)
        self.assertTrue(fenced.exception.args[0].fatal(), fenced.exception)
        self.assertEqual(self.committed(topic, 1), ["of the new one"])

    def test_a_transaction_that_nobody_ends_is_aborted(self):
        topic = self.topic()
        left = self.transactional(transaction_timeout_ms=2000,
                                  message_timeout_ms=2000)
        left.begin_transaction()
        left.produce(topic, "never seen")
        left.flush(30)
        reader = self.consumer(topic, isolation_level="read_committed")
        other = self.transactional()
        other.begin_transaction()
        other.produce(topic, "seen")
        other.commit_transaction(30)
        self.assertEqual([r.value() for r in self.take(reader, 1)], [b"seen"])
        with self.assertRaises(KafkaException):
            left.commit_transaction(30)

    def test_offsets_are_committed_with_what_was_made_of_them(self):
        source, target, group = self.topic(), self.topic(), fresh("g")
        feeder = self.producer()
        for i in range(50):
            feeder.produce(source, str(i))
        feeder.flush(30)
        for commits in (False, True):
            reader = Consumer({
                "bootstrap.servers": SERVER, "group.id": group,
                "auto.offset.reset": "earliest", "enable.auto.commit": False,
                "isolation.level": "read_committed"})
            reader.subscribe([source])
            taken = self.take(reader, 50)
            writer = self.transactional()
            writer.begin_transaction()
            for record in taken:
                writer.produce(target, b"made of " + record.value())
            writer.send_offsets_to_transaction(
                reader.position(reader.assignment()),
                reader.consumer_group_metadata(), 30)
            if commits:
                writer.commit_transaction(30)
            else:
                writer.abort_transaction(30)
            at = reader.committed([TopicPartition(source, 0)], 30)[0].offset
            self.assertEqual(at, 50 if commits else
                             confluent_kafka.OFFSET_INVALID)
            reader.close()
        self.assertEqual(self.committed(target, 50),
                         [f"made of {i}" for i in range(50)])

    def test_a_hundred_transactions_in_a_row(self):
        topic = self.topic(2)
        writer = self.transactional()
        kept = []
        for i in range(100):
            writer.begin_transaction()
            for k in range(3):
                writer.produce(topic, f"{i}.{k}", partition=k % 2)
            if i % 3 == 0:
                writer.abort_transaction(30)
            else:
                writer.commit_transaction(30)
                kept += [f"{i}.{k}" for k in range(3)]
        self.assertEqual(sorted(self.committed(topic, len(kept))),
                         sorted(kept))

    def test_offsets_by_time_end_where_read_committed_ends(self):
        topic = self.topic()
        writer = self.transactional()
        writer.begin_transaction()
        writer.produce(topic, "open")
        writer.flush(30)
        at = TopicPartition(topic, 0)
        for level, end in ((0, 1), (1, 0)):
            found = self.admin.list_offsets(
                {at: OffsetSpec.latest()},
                isolation_level=confluent_kafka.IsolationLevel(level))
            self.assertEqual(found[at].result(10).offset, end)
        writer.abort_transaction(30)


if __name__ == "__main__":
    print("confluent-kafka", confluent_kafka.version(),
          confluent_kafka.libversion())
    unittest.main(verbosity=2, argv=sys.argv)
