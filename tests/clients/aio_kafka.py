"""aiokafka against the server at $BOOTSTRAP."""
import asyncio
import os
import time
import unittest
import uuid

import aiokafka
from aiokafka import (AIOKafkaConsumer, AIOKafkaProducer,
                      ConsumerRebalanceListener, TopicPartition)
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.coordinator.assignors.sticky.sticky_assignor import (
    StickyPartitionAssignor)
from aiokafka.errors import (KafkaError, ProducerFenced,
                             TopicAlreadyExistsError)

SERVER = os.environ["BOOTSTRAP"]
NOW = int(time.time() * 1000)  # what is older than a topic keeps may be gone
SECONDS = 100  # far more than anything takes, but on a busy machine


def fresh(prefix="aio"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


class Assignments(ConsumerRebalanceListener):
    def __init__(self):
        self.now = set()

    async def on_partitions_revoked(self, revoked):
        self.now -= set(revoked)

    async def on_partitions_assigned(self, assigned):
        self.now = set(assigned)


class Client(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # it would tell each step
        self.admin = await self.start(
            AIOKafkaAdminClient(bootstrap_servers=SERVER), "close")

    async def start(self, client, end="stop"):
        self.addAsyncCleanup(getattr(client, end))
        await client.start()
        return client

    async def topic(self, partitions=1, **configs):
        name = fresh()
        await self.admin.create_topics([NewTopic(
            name, partitions, 1, topic_configs={
                key.replace("_", "."): value
                for key, value in configs.items()})])
        return name

    async def producer(self, **options):
        """With acks=all: what is acknowledged is there for readers."""
        return await self.start(AIOKafkaProducer(
            bootstrap_servers=SERVER, **{"acks": "all", **options}))

    async def consumer(self, *topics, **options):
        return await self.start(AIOKafkaConsumer(
            *topics, bootstrap_servers=SERVER,
            **{"auto_offset_reset": "earliest", "enable_auto_commit": False,
               **options}))

    async def take(self, consumer, count):
        async with asyncio.timeout(SECONDS):
            return [await consumer.getone() for _ in range(count)]

    async def until(self, condition, sentence):
        end = time.monotonic() + SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, sentence)
            await asyncio.sleep(0.02)

    async def until_true(self, question, *words):
        end = time.monotonic() + SECONDS
        while not await question(*words):
            self.assertLess(time.monotonic(), end, question.__name__)

    async def fill(self, topic, numbers, partition=0):
        producer = await self.producer()
        for number in numbers:
            await producer.send_and_wait(topic, b"%d" % number,
                                         partition=partition)

    async def test_each_codec_brings_back_keys_headers_and_nulls(self):
        for codec in (None, "gzip", "snappy", "lz4", "zstd"):
            for acks in (1, "all"):
                topic = await self.topic()
                producer = await self.producer(
                    compression_type=codec, acks=acks,
                    enable_idempotence=acks == "all", linger_ms=20)
                sent = [await producer.send(
                    topic, value=b"v" * i if i % 3 else None, key=b"k%d" % i,
                    headers=[("h", b"%d" % i)], timestamp_ms=NOW + i)
                    for i in range(200)]
                told = await asyncio.gather(*sent)
                self.assertEqual([at.offset for at in told],
                                 list(range(200)))
                reader = await self.consumer(topic)
                for i, record in enumerate(await self.take(reader, 200)):
                    self.assertEqual(
                        (record.offset, record.key, record.value,
                         list(record.headers), record.timestamp),
                        (i, b"k%d" % i, b"v" * i if i % 3 else None,
                         [("h", b"%d" % i)], NOW + i))

    async def test_positions_are_found_by_time_and_at_both_ends(self):
        topic = await self.topic()
        producer = await self.producer()
        for i in range(50):
            await producer.send_and_wait(topic, b"x", timestamp_ms=NOW + 1000 * i)
        at = TopicPartition(topic, 0)
        reader = await self.consumer(topic)
        found = await reader.offsets_for_times({at: NOW + 20_001})
        self.assertEqual((found[at].offset, found[at].timestamp),
                         (21, NOW + 21_000))
        self.assertEqual(await reader.beginning_offsets([at]), {at: 0})
        self.assertEqual(await reader.end_offsets([at]), {at: 50})
        reader.seek(at, 40)
        self.assertEqual([r.offset for r in await self.take(reader, 10)],
                         list(range(40, 50)))

    async def test_a_group_shares_partitions_and_takes_over(self):
        for options in ({}, {"partition_assignment_strategy":
                             [StickyPartitionAssignor]}):
            topic, group = await self.topic(partitions=4), fresh("group")
            members, lists = [], []
            for _ in range(2):
                member = await self.consumer(
                    group_id=group, session_timeout_ms=6000,
                    heartbeat_interval_ms=500, metadata_max_age_ms=1000,
                    **options)
                lists.append(Assignments())
                member.subscribe([topic], listener=lists[-1])
                members.append(member)
            await self.until(lambda: [len(l.now) for l in lists] == [2, 2],
                             "each has two partitions")
            self.assertFalse(lists[0].now & lists[1].now)
            for partition in range(4):
                await self.fill(topic, range(10), partition)
            await self.take(members[0], 20)
            await members[0].commit()
            await self.take(members[1], 20)
            theirs = {at.partition for at in lists[1].now}
            await members[1].stop()
            await self.until(lambda: len(lists[0].now) == 4,
                             "the one that is left has them all")
            # What the other had not committed comes again.
            again = await self.take(members[0], 20)
            self.assertEqual(
                sorted((r.partition, r.offset) for r in again),
                sorted((p, i) for p in theirs for i in range(10)))

    async def test_offsets_are_committed_with_metadata(self):
        topic, group = await self.topic(), fresh("group")
        await self.fill(topic, range(10))
        at = TopicPartition(topic, 0)
        first = await self.consumer(topic, group_id=group)
        await self.take(first, 4)
        await first.commit({at: (4, "so far")})
        await first.stop()
        second = await self.consumer(topic, group_id=group)
        self.assertEqual(await second.committed(at), 4)
        self.assertEqual((await self.take(second, 1))[0].offset, 4)
        offsets = await self.admin.list_consumer_group_offsets(group)
        self.assertEqual(tuple(offsets[at]), (4, "so far"))

    async def test_transactions_commit_abort_and_fence(self):
        source, sink = await self.topic(), await self.topic()
        group, name = fresh("group"), fresh("id")
        await self.fill(source, range(10))
        at = TopicPartition(source, 0)
        reader = await self.consumer(source, group_id=group)
        records = await self.take(reader, 10)
        producer = await self.producer(transactional_id=name)
        async with producer.transaction():
            for record in records[:6]:
                await producer.send(sink, record.value)
            await producer.send_offsets_to_transaction({at: 6}, group)
        with self.assertRaises(ZeroDivisionError):
            async with producer.transaction():
                for record in records[6:]:
                    await producer.send_and_wait(sink, record.value)
                await producer.send_offsets_to_transaction({at: 10}, group)
                1 / 0
        self.assertEqual(await reader.committed(at), 6)
        async with producer.transaction():
            await producer.send(sink, b"end")
        judge = await self.consumer(sink, isolation_level="read_committed")
        self.assertEqual(
            [r.value for r in await self.take(judge, 7)],
            [b"%d" % i for i in range(6)] + [b"end"])
        everything = await self.consumer(sink)
        self.assertEqual(len(await self.take(everything, 11)), 11)
        later = await self.producer(transactional_id=name)
        with self.assertRaises(ProducerFenced):
            async with producer.transaction():
                await producer.send_and_wait(sink, b"late")
        async with later.transaction():
            await later.send(sink, b"later")
        self.assertEqual((await self.take(judge, 1))[0].value, b"later")

    async def test_topics_are_created_grown_described_and_deleted(self):
        topic = await self.topic(partitions=2, retention_ms="123456")
        answer = await self.admin.create_topics([NewTopic(topic, 1, 1)])
        self.assertEqual(answer.topic_errors[0][1],
                         TopicAlreadyExistsError.errno)
        await self.admin.create_partitions({topic: NewPartitions(3)})

        async def has(partitions):
            told = (await self.admin.describe_topics([topic]))[0]
            return len(told["partitions"]) == partitions
        await self.until_true(has, 3)
        self.assertIn(topic, await self.admin.list_topics())
        await self.admin.delete_topics([topic])

        async def gone():
            return topic not in await self.admin.list_topics()
        await self.until_true(gone)

    async def test_groups_are_listed_and_described(self):
        topic, group = await self.topic(), fresh("group")
        await self.fill(topic, range(1))
        member = await self.consumer(topic, group_id=group)
        await self.take(member, 1)
        listed = await self.admin.list_consumer_groups()
        self.assertIn((group, "consumer"), [tuple(g)[:2] for g in listed])
        answer = (await self.admin.describe_consumer_groups([group]))[0]
        told = answer.to_object()["groups"][0]
        self.assertEqual((told["group"], told["state"], len(told["members"])),
                         (group, "Stable", 1))

    async def test_a_record_too_large_is_refused_and_the_next_is_not(self):
        topic = await self.topic(max_message_bytes="10000")
        producer = await self.producer()
        with self.assertRaises(KafkaError):
            await producer.send_and_wait(topic, b"x" * 20000)
        told = await producer.send_and_wait(topic, b"x" * 5000)
        self.assertEqual(told.offset, 0)


if __name__ == "__main__":
    print("aiokafka", aiokafka.__version__)
    unittest.main(verbosity=2)
