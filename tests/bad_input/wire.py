"""Kafka's bytes, written plainly, so that a test can write them wrong."""
import random
import socket
import struct
import time

PRODUCE, FETCH, METADATA, JOIN_GROUP = 0, 1, 3, 11
API_VERSIONS, CREATE_TOPICS = 18, 19


def i8(n): return struct.pack('>b', n)
def i16(n): return struct.pack('>h', n)
def i32(n): return struct.pack('>i', n)
def i64(n): return struct.pack('>q', n)


def string(text):
    return i16(-1) if text is None else i16(len(text)) + text.encode()


def data(payload):
    return i32(-1) if payload is None else i32(len(payload)) + payload


def array(items):
    return i32(len(items)) + b''.join(items)


def varint(n):
    n = (n << 1) ^ (n >> 63)
    out = b''
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = crc_table()


def crc32c(payload):
    value = 0xffffffff
    for byte in payload:
        value = CRC_TABLE[(value ^ byte) & 0xff] ^ value >> 8
    return value ^ 0xffffffff


def record(offset_delta=0, key=None, value=b'v', timestamp_delta=0, headers=0):
    body = b'\0' + varint(timestamp_delta) + varint(offset_delta)
    for field in (key, value):
        body += varint(-1) if field is None else varint(len(field)) + field
    body += varint(headers)
    return varint(len(body)) + body


def batch(records=None, *, payload=None, **lies):
    """One record batch; `lies` replace what its header should say."""
    records = [record()] if records is None else records
    payload = b''.join(records) if payload is None else payload
    now = int(time.time() * 1000)
    count = lies.get('count', len(records))
    checked = (i16(lies.get('attributes', 0))
               + i32(lies.get('last_delta', len(records) - 1))
               + i64(lies.get('timestamp', now))
               + i64(lies.get('max_timestamp', now))
               + i64(lies.get('producer', -1)) + i16(lies.get('epoch', -1))
               + i32(lies.get('sequence', -1)) + i32(count) + payload)
    head = i32(-1) + i8(lies.get('magic', 2))
    head += struct.pack('>I', lies.get('crc', crc32c(checked)))
    length = lies.get('length', len(head) + len(checked))
    return i64(lies.get('base', 0)) + i32(length) + head + checked


def produce_body(topic, records, acks=-1, partition=0):
    return (string(None) + i16(acks) + i32(5000)
            + array([string(topic)
                     + array([i32(partition) + data(records)])]))


def fetch_body(topic, offset, wait_ms=0):
    return (i32(-1) + i32(wait_ms) + i32(1) + i32(1 << 20) + i8(0)
            + array([string(topic)
                     + array([i32(0) + i64(offset) + i32(1 << 20)])]))


class Reader:
    def __init__(self, payload):
        self.payload, self.at = payload, 0

    def number(self, kind):
        (value,) = struct.unpack_from('>' + kind, self.payload, self.at)
        self.at += struct.calcsize(kind)
        return value

    def take(self, size):
        part = self.payload[self.at:self.at + size]
        self.at += size
        return part

    def string(self):
        size = self.number('h')
        return None if size < 0 else self.take(size).decode()


class Closed(Exception):
    """The server has closed the connection."""


class Client:
    """One plain connection."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout)
        self.correlation = random.randrange(1 << 30)
        self.client_id = 'bad'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, payload):
        try:
            self.socket.sendall(payload)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what the server says, if anything, is yet to be read

    def receive(self, size):
        out = b''
        while len(out) < size:
            try:
                part = self.socket.recv(size - len(out))
            except ConnectionResetError:
                part = b''
            if not part:
                raise Closed(f'after {len(out)} of {size} bytes')
            out += part
        return out

    def rest(self):
        """All that comes until the server closes the connection."""
        out = b''
        while True:
            try:
                part = self.socket.recv(65536)
            except ConnectionResetError:
                part = b''
            if not part:
                return out
            out += part

    def frame(self, key, version, body=b''):
        self.correlation += 1
        payload = (i16(key) + i16(version) + i32(self.correlation)
                   + string(self.client_id) + body)
        return i32(len(payload)) + payload

    def answer(self):
        answer = Reader(self.receive(struct.unpack('>i', self.receive(4))[0]))
        if answer.number('i') != self.correlation:
            raise AssertionError('an answer to another request')
        return answer

    def request(self, key, version, body=b''):
        self.send(self.frame(key, version, body))
        return self.answer()

    def create_topic(self, topic, **configs):
        entries = [string(k.replace('_', '.')) + string(str(v))
                   for k, v in configs.items()]
        answer = self.request(CREATE_TOPICS, 2, array(
            [string(topic) + i32(1) + i16(1) + array([]) + array(entries)])
            + i32(5000) + i8(0))
        answer.number('i'), answer.number('i'), answer.string()
        return answer.number('h')

    def produce(self, topic, records, acks=-1, partition=0):
        """(error code, base offset, sentence) of one partition."""
        answer = self.request(
            PRODUCE, 8, produce_body(topic, records, acks, partition))
        answer.number('i'), answer.string(), answer.number('i')
        answer.number('i')
        code, base = answer.number('h'), answer.number('q')
        answer.number('q'), answer.number('q')
        for _ in range(answer.number('i')):
            answer.number('i'), answer.string()
        return code, base, answer.string()

    def fetch(self, topic, offset, wait_ms=0):
        """(error code, high watermark, bytes) of partition 0."""
        answer = self.request(FETCH, 4, fetch_body(topic, offset, wait_ms))
        answer.number('i'), answer.number('i'), answer.string()
        answer.number('i'), answer.number('i')
        code, high = answer.number('h'), answer.number('q')
        answer.number('q')
        for _ in range(max(answer.number('i'), 0)):
            answer.number('q'), answer.number('q')
        return code, high, answer.take(max(answer.number('i'), 0))
