"""A compacted topic as librdkafka sees it: written, compacted, read."""
import collections
import os
import sys
import time
import urllib.request

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

SERVER = os.environ["BOOTSTRAP"]
METRICS = f"http://{os.environ['HTTP']}/metrics"
TOPIC = "compacted"
KEYS = 500
ROUNDS = 40


def passes():
    page = urllib.request.urlopen(METRICS, timeout=10).read().decode()
    for line in page.splitlines():
        if line.startswith("millrace_compaction_passes_total "):
            return int(line.split()[1])
    raise AssertionError("the metrics page says nothing of compaction")


def await_pass(before):
    until = time.monotonic() + 60
    while passes() <= before:
        assert time.monotonic() < until, "no pass of compaction has ended"


def write():
    admin = AdminClient({"bootstrap.servers": SERVER})
    admin.create_topics([NewTopic(
        TOPIC, 1, 1, config={"cleanup.policy": "compact",
                             "segment.bytes": str(1 << 20),
                             "min.cleanable.dirty.ratio": "0.1"},
    )])[TOPIC].result(10)
    # Segments are compressed by one codec and idempotent, then by others.
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        producer = Producer({"bootstrap.servers": SERVER, "linger.ms": 5,
                             "compression.type": codec,
                             "enable.idempotence": True})
        for n in range(ROUNDS):
            for key in range(KEYS):
                producer.produce(TOPIC, key=f"key-{key}",
                                 value=f"{codec} {n} {key} {os.urandom(60).hex()}")
            producer.poll(0)
            assert producer.flush(30) == 0
    refused = []
    producer = Producer({"bootstrap.servers": SERVER})
    producer.produce(TOPIC, value="no key",
                     on_delivery=lambda error, _: refused.append(error))
    assert producer.flush(30) == 0
    assert refused[0].code() == KafkaError.INVALID_RECORD, refused
    print("ok   a record without a key is refused")


def read():
    consumer = Consumer({"bootstrap.servers": SERVER, "group.id": "reader",
                         "enable.partition.eof": True,
                         "check.crcs": True})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    seen = collections.defaultdict(list)
    while True:
        message = consumer.poll(30)
        assert message is not None, "nothing comes"
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF
            break
        seen[message.key()].append((message.offset(), message.value()))
    consumer.close()
    return seen


def check(seen):
    assert len(seen) == KEYS, len(seen)
    first = 4 * ROUNDS * KEYS + (ROUNDS - 1) * KEYS  # of the last round
    for key in range(KEYS):
        offset, value = seen[f"key-{key}".encode()][-1]
        assert offset == first + key, (key, offset)
        assert value.startswith(f"zstd {ROUNDS - 1} {key} ".encode()), value
    return sum(len(values) for values in seen.values())


if sys.argv[1] == "write":
    write()
    # Passes go on while it is written; the active segment is left alone.
    most = 2 * ROUNDS * KEYS
    until = time.monotonic() + 90
    while True:
        before = passes()
        left = check(read())
        if left <= most:
            break
        assert time.monotonic() < until, left
        await_pass(before)
    print(f"ok   {left} of {5 * ROUNDS * KEYS} records are left, "
          "the newest of each key among them")
else:
    check(read())
    print("ok   and after a crash")
