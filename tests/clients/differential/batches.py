"""Record batches of format 2 (KIP-98), right or wrong on purpose."""
import gzip
import struct

_TABLE = []
for _n in range(256):
    for _ in range(8):
        _n = (_n >> 1) ^ (0x82F63B78 if _n & 1 else 0)
    _TABLE.append(_n)


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def varint(value):
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def record(delta, key, value, time_delta=0, headers=()):
    out = b"\0" + varint(time_delta) + varint(delta)
    for part in (key, value):
        out += varint(-1) if part is None else varint(len(part)) + part
    out += varint(len(headers))
    for name, content in headers:
        out += varint(len(name)) + name
        out += varint(-1) if content is None \
            else varint(len(content)) + content
    return varint(len(out)) + out


def wrapped(sequence):
    """Sequences begin at 0 again after 2^31 - 1."""
    return sequence % (1 << 31)


def batch(records, time, base=0, producer=-1, epoch=-1, sequence=-1,
          attributes=0, leader_epoch=-1, magic=2, count=None, last_delta=None,
          max_time=None, wrong_crc=0, length_more=0):
    """The records (of `record`), in one batch; gzip where attributes say."""
    body = b"".join(records)
    if attributes & 7 == 1:
        body = gzip.compress(body, mtime=0)
    count = len(records) if count is None else count
    last_delta = len(records) - 1 if last_delta is None else last_delta
    tail = struct.pack(">hiqqqhii", attributes, last_delta, time,
                       time if max_time is None else max_time, producer,
                       epoch, sequence, count) + body
    crc = crc32c(tail) ^ wrong_crc
    return struct.pack(">qiibI", base, len(tail) + 9 + length_more,
                       leader_epoch, magic, crc) + tail


HEADER = struct.Struct(">qiibIhiqqqhii")
NAMES = ("base_offset", "length", "leader_epoch", "magic", "crc", "attributes",
         "last_delta", "base_time", "max_time", "batch_producer",
         "producer_epoch", "sequence", "count")


PRODUCER = slice(43, 51)
CHECKED_FROM = 21  # what the checksum covers
# Batches with a time or a producer that the server has chosen.
CHOSEN = 0x28
CODEC, GZIP, ZSTD = 7, 1, 4
GZIP_SYSTEM = 9  # which byte of what gzip has compressed


def with_producer(data, translate):
    """The first batch with another producer id, as right or wrong as it was."""
    if len(data) < HEADER.size:
        return data
    before = int.from_bytes(data[PRODUCER], "big", signed=True)
    after = translate(before)
    if after == before:
        return data
    end = HEADER.unpack_from(data)[1] + 12
    out = bytearray(data)
    out[PRODUCER] = after.to_bytes(8, "big", signed=True)
    crc = int.from_bytes(data[17:CHECKED_FROM], "big") \
        ^ crc32c(data[CHECKED_FROM:end]) ^ crc32c(out[CHECKED_FROM:end])
    out[17:CHECKED_FROM] = crc.to_bytes(4, "big")
    return bytes(out)


def split(data):
    """The batches of a fetch as dicts, without one that is cut short: how much
    of it comes Kafka leaves to chance, and Millrace sends none of it."""
    found = []
    while len(data) >= HEADER.size:
        fields = dict(zip(NAMES, HEADER.unpack_from(data)))
        end = fields["length"] + 12
        if len(data) < end:
            break
        fields["records"] = data[HEADER.size:end]
        if fields["attributes"] & CODEC == GZIP:
            # Who has compressed it says on which system.
            fields["records"] = data[HEADER.size:HEADER.size + GZIP_SYSTEM] \
                + data[HEADER.size + GZIP_SYSTEM + 1:end]
        if fields["attributes"] & CODEC == ZSTD:
            # Compressed by each server itself, in bytes of its own.
            fields["records"], fields["length"] = b"", 0
        if fields["attributes"] & CHOSEN or fields["batch_producer"] >= 0 \
                or fields["attributes"] & CODEC in (GZIP, ZSTD):
            fields["crc"] = fields["crc"] == crc32c(data[CHECKED_FROM:end])
        found.append(fields)
        data = data[end:]
    return found
