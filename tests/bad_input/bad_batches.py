"""Record batches that lie, and ones that unfold to more than is good."""
import struct
import time
import zlib

import wire
from node import NodeCase
from wire import batch, i32, record, varint

CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP = 2, 10, 32
UNSUPPORTED_FOR_MESSAGE_FORMAT = 43
TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53
UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD = 76, 87
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4


def long_record(size):
    """The beginning of a record whose value has `size` bytes."""
    body = b'\0\0\0' + varint(-1) + varint(size)
    return varint(len(body) + size + 1) + body


def gzip(head, size):
    packer = zlib.compressobj(9, wbits=31)
    out = packer.compress(head)
    for _ in range(size >> 20):
        out += packer.compress(bytes(1 << 20))
    return out + packer.flush()


def zstd(head, size):
    """A raw block, then blocks of one repeated byte, 128 KiB each."""
    out = bytes.fromhex('28b52ffd') + b'\x00\x38'
    out += struct.pack('<I', len(head) << 3)[:3] + head
    for i in range(size >> 17):
        last = 1 if i == (size >> 17) - 1 else 0
        out += struct.pack('<I', 1 << 20 | 1 << 1 | last)[:3] + b'\0'
    return out


def lz4(head, size):
    """Blocks of 4 MiB: a literal, then one match as long as it can be."""
    out = bytes.fromhex('04224d18607073')
    out += struct.pack('<I', 1 << 31 | len(head)) + head
    left = (4 << 20) - 1 - 5  # a zero before, five literals at the end
    extra = left - 4 - 15
    block = b'\x1f\0' + b'\1\0' + b'\xff' * (extra // 255)
    block += bytes([extra % 255]) + b'\x50' + bytes(5)
    for _ in range(size >> 22):
        out += struct.pack('<I', len(block)) + block
    return out + bytes(4)


def snappy(head, size):
    """xerial's blocks of at most 4 MiB, of copies 64 bytes long."""
    out = b'\x82SNAPPY\0' + i32(1) + i32(1)
    first = snappy_length(len(head)) + bytes(
        [(len(head) - 1) << 2]) + head
    out += i32(len(first)) + first
    block = snappy_length(1 + 64 * 65535) + b'\0\0' + b'\xfe\1\0' * 65535
    for _ in range(size >> 22):
        out += i32(len(block)) + block
    return out


def snappy_length(n):
    out = b''
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


class Batches(NodeCase):
    def assert_refused(self, records, *codes, topic='t'):
        before = self.client.fetch(topic, 0)[1]
        code, _, why = self.client.produce(topic, records)
        self.assertIn(code, codes, why)
        self.assertEqual(before, self.client.fetch(topic, 0)[1], 'log grown')
        return why

    def test_a_sound_batch_is_taken(self):
        for count in (1, 3, 200):
            records = [record(i, b'k', b'v' * i) for i in range(count)]
            self.assertEqual(0, self.client.produce('t', batch(records))[0])

    def test_a_wrong_checksum_is_corrupt(self):
        sound = batch()
        self.assert_refused(batch(crc=1), CORRUPT_MESSAGE)
        for at in range(21, len(sound)):
            broken = bytearray(sound)
            broken[at] ^= 4
            self.assert_refused(bytes(broken), CORRUPT_MESSAGE)

    def test_counts_and_deltas_that_lie_are_invalid(self):
        two = [record(0), record(1)]
        for lies in ({'count': 1}, {'count': 3}, {'count': 0}, {'count': -1},
                     {'count': 2147483647}, {'last_delta': 0},
                     {'last_delta': 2}, {'last_delta': -1},
                     {'last_delta': 2147483647},
                     {'count': 1, 'last_delta': 0},
                     {'count': 2147483647, 'last_delta': 2147483646},
                     {'count': -2147483648, 'last_delta': 2147483647}):
            self.assert_refused(batch(two, **lies), INVALID_RECORD)

    def test_offset_deltas_of_records_that_lie_are_invalid(self):
        for deltas in ((0, 2), (1, 1), (0, 0), (-1, 0), (1 << 30, 1)):
            self.assert_refused(
                batch([record(delta) for delta in deltas]), INVALID_RECORD)

    def test_sizes_that_lie_are_corrupt(self):
        sound = batch()
        for length in (-1, 0, 48, 49, len(sound) - 13, len(sound) - 11,
                       1 << 20, 2147483647, -2147483648):
            self.assert_refused(
                batch(length=length), CORRUPT_MESSAGE, INVALID_RECORD)
        for size in range(len(sound)):
            self.assert_refused(sound[:size], CORRUPT_MESSAGE, INVALID_RECORD,
                                UNSUPPORTED_FOR_MESSAGE_FORMAT)

    def test_old_and_unknown_formats_are_refused(self):
        for magic in (0, 1):
            self.assert_refused(batch(magic=magic), INVALID_RECORD)
        for magic in (3, 127, -1):
            self.assert_refused(batch(magic=magic), CORRUPT_MESSAGE)

    def test_two_batches_for_one_partition_are_invalid(self):
        self.assert_refused(batch() + batch(), INVALID_RECORD)
        self.assert_refused(batch() + b'x', INVALID_RECORD)

    def test_records_whose_fields_lie_are_invalid(self):
        for payload in (b'', b'\0', b'\x80', b'\xff' * 20, varint(-5),
                        varint(1 << 30) + b'x' * 50, record() + b'\0',
                        varint(3) + b'\0\0\0',
                        varint(6) + b'\0\0\0' + varint(-2) + b'\0\0',
                        record(headers=2147483647), record(headers=-1),
                        varint(8) + b'\0\0\0\1' + varint(1 << 20) + b'x'):
            self.assert_refused(
                batch(payload=payload, count=1, last_delta=0), INVALID_RECORD)

    def test_control_batches_of_a_client_are_invalid(self):
        self.assert_refused(batch(attributes=0x20, producer=1, epoch=0,
                                  sequence=0), INVALID_RECORD)

    def test_transactional_batches_without_an_id_are_refused(self):
        why = self.assert_refused(
            batch(attributes=0x10, producer=1, epoch=0, sequence=0),
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        self.assertIn('transaction', why)

    def test_producers_without_epoch_or_sequence_are_invalid(self):
        for lies in ({'epoch': -1, 'sequence': 0}, {'epoch': 0},
                     {'epoch': -5, 'sequence': -5}):
            self.assert_refused(batch(producer=9, **lies), INVALID_RECORD)

    def test_timestamps_of_another_age_are_refused(self):
        for timestamp in ((1 << 63) - 1, int(time.time() * 1000) + 7200_000):
            for attributes in (0, 8):
                self.assert_refused(
                    batch(timestamp=timestamp, max_timestamp=timestamp,
                          attributes=attributes), INVALID_TIMESTAMP)

    def test_a_producer_that_claims_the_time_of_the_append_is_taken(self):
        """As in Kafka; what it says of its records' times still counts."""
        claims = batch(attributes=8, timestamp=int(time.time() * 1000))
        self.assertEqual(0, self.client.produce('t', claims)[0])

    def test_batches_that_do_not_begin_at_offset_0_are_invalid(self):
        for base in (1, (1 << 63) - 1, -1, -(1 << 63)):
            self.assert_refused(batch(base=base), INVALID_RECORD)

    def test_a_codec_that_is_none_is_refused(self):
        for codec in (5, 6, 7):
            self.assert_refused(
                batch(attributes=codec), UNSUPPORTED_COMPRESSION_TYPE)

    def test_zstd_is_refused_in_versions_that_had_none(self):
        """KIP-110: it came with version 7 of Produce."""
        size = 1 << 17
        packed = batch(payload=zstd(long_record(size - 1), size), count=1,
                       last_delta=0, attributes=ZSTD)
        for version, expected in ((3, UNSUPPORTED_COMPRESSION_TYPE),
                                  (6, UNSUPPORTED_COMPRESSION_TYPE), (7, 0)):
            answer = self.client.request(
                wire.PRODUCE, version, wire.produce_body('t', packed))
            answer.number('i'), answer.string(), answer.number('i')
            answer.number('i')
            self.assertEqual(expected, answer.number('h'), version)

    def test_garbage_for_a_codec_is_corrupt(self):
        for codec in (GZIP, SNAPPY, LZ4, ZSTD):
            for payload in (b'', b'\0', b'\xff' * 100, b'garbage'):
                self.assert_refused(
                    batch(payload=payload, count=1, attributes=codec,
                          last_delta=0), CORRUPT_MESSAGE, INVALID_RECORD,
                    MESSAGE_TOO_LARGE)

    def test_what_the_bombs_are_made_of_is_accepted_when_small(self):
        # So that the next test tests what it says.
        for codec, pack in ((GZIP, gzip), (LZ4, lz4), (ZSTD, zstd)):
            size = 4 << 20
            head = long_record(size - 1)
            code, _, why = self.client.produce(
                't', batch(payload=pack(head, size), count=1, last_delta=0,
                           attributes=codec))
            self.assertEqual(0, code, f'codec {codec}: {why}')
        head = long_record(64 * 65535)
        code, _, why = self.client.produce(
            't', batch(payload=snappy(head, 4 << 20), count=1, last_delta=0,
                       attributes=SNAPPY))
        self.assertEqual(0, code, why)

    def test_a_decompression_bomb_is_too_large_and_takes_no_memory(self):
        size = 1 << 30
        self.assertEqual(0, self.client.create_topic(
            'wide', max_message_bytes=64 << 20))
        for codec, pack in ((GZIP, gzip), (LZ4, lz4), (ZSTD, zstd),
                            (SNAPPY, snappy)):
            bomb = size >> 2 if codec in (GZIP, LZ4, SNAPPY) else size
            payload = pack(long_record(bomb), bomb)
            before = self.node.resident_bytes()
            began = time.monotonic()
            self.assert_refused(
                batch(payload=payload, count=1, last_delta=0,
                      attributes=codec), MESSAGE_TOO_LARGE, topic='wide')
            self.assertLess(time.monotonic() - began, 30)
            self.assertLess(
                self.node.resident_bytes() - before, 64 << 20, codec)
            self.neighbour.check()

    def test_a_bomb_of_tiny_records_is_bounded_too(self):
        payload = gzip(b'', 200 << 20)
        self.assert_refused(
            batch(payload=payload, count=2147483647, last_delta=2147483646,
                  attributes=GZIP), CORRUPT_MESSAGE, INVALID_RECORD,
            MESSAGE_TOO_LARGE)

    def test_a_batch_above_the_topics_limit_is_too_large(self):
        self.assertEqual(0, self.client.create_topic(
            'narrow', max_message_bytes=1000))
        self.assert_refused(batch([record(value=b'x' * 1000)]),
                            MESSAGE_TOO_LARGE, topic='narrow')
        self.assertEqual(0, self.client.produce(
            'narrow', batch([record(value=b'x' * 500)]))[0])
