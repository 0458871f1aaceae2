"""Strings as long as they can be, wherever a client may put one: what is
answered repeats them, and quotes them in sentences."""
import wire
from node import NodeCase, until
from wire import Client, array, data, i16, i32, i64, i8, string

LONGEST = 'x' * 32767
JOIN_GROUP, LIST_GROUPS, FIND_COORDINATOR = 11, 16, 10
TOPIC, BROKER = 2, 4  # kinds of resource


def uvarint(n):
    out = b''
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def compact(text):
    return uvarint(len(text) + 1) + text.encode()


def compact_array(items):
    return uvarint(len(items) + 1) + b''.join(items)


TAGS = b'\0'


def requests(x):
    """(API key, version, body) with `x` in every string, in versions whose
    strings have two bytes of length."""
    s, no = string(x), string(None)
    partition = i32(0)
    consumer = array([s + data(b'')])
    configs = array([s + s])
    return [
        (0, 8, no + i16(-1) + i32(100)
         + array([s + array([partition + data(wire.batch())])])),
        (1, 11, i32(-1) + i32(0) + i32(1) + i32(1 << 20) + i8(0) + i32(0)
         + i32(-1) + array([s + array([partition + i32(-1) + i64(0) + i64(0)
                                       + i32(1 << 20)])])
         + array([]) + s),
        (2, 1, i32(-1) + array([s + array([partition + i64(-1)])])),
        (3, 4, array([s]) + i8(1)),
        (8, 2, s + i32(-1) + s + i64(-1)
         + array([s + array([partition + i64(1) + s])])),
        (9, 5, s + array([s + array([partition])])),
        (10, 2, s + i8(0)),
        (10, 2, s + i8(1)),
        (JOIN_GROUP, 4, s + i32(6000) + i32(6000) + string('') + s + consumer),
        (JOIN_GROUP, 5, s + i32(6000) + i32(6000) + s + s + s + consumer),
        (JOIN_GROUP, 3, string('g') + i32(6000) + i32(6000) + s + s
         + consumer),
        (12, 3, s + i32(1) + s + s),
        (13, 3, s + array([s + s])),
        (14, 3, s + i32(1) + s + s + array([s + data(b'')])),
        (15, 4, array([s]) + i8(0)),
        (16, 2, b''),
        (19, 2, array([s + i32(1) + i16(1) + array([]) + configs])
         + i32(5000) + i8(0)),
        (19, 2, array([string('a') + i32(1) + i16(1) + array([]) + configs])
         + i32(5000) + i8(0)),
        (19, 2, array([string('b') + i32(1) + i16(1) + array([])
                       + array([string('retention.ms') + s])])
         + i32(5000) + i8(0)),
        (20, 3, array([s]) + i32(5000)),
        (21, 1, array([s + array([partition + i64(0)])]) + i32(5000)),
        (22, 1, s + i32(1000)),
        (23, 3, i32(-1) + array([s + array([partition + i32(-1) + i32(0)])])),
        (32, 3, array([i8(TOPIC) + s + array([s])]) + i8(1) + i8(1)),
        (32, 3, array([i8(TOPIC) + string('t') + array([s])]) + i8(1)
         + i8(1)),
        (32, 3, array([i8(BROKER) + s + i32(-1)]) + i8(1) + i8(1)),
        (33, 1, array([i8(TOPIC) + s + configs]) + i8(0)),
        (33, 1, array([i8(TOPIC) + string('t') + configs]) + i8(0)),
        (44, 0, array([i8(TOPIC) + s + array([s + i8(0) + s])]) + i8(0)),
        (44, 0, array([i8(TOPIC) + string('t') + array([s + i8(0) + s])])
         + i8(0)),
        (44, 0, array([i8(BROKER) + s + array([s + i8(0) + s])]) + i8(0)),
        (35, 1, array([s + array([partition])])),
        (37, 1, array([s + i32(5) + i32(-1)]) + i32(5000) + i8(0)),
        (37, 1, array([s + i32(5) + array([array([i32(9)])])]) + i32(5000)
         + i8(0)),
        (42, 1, array([s])),
        (47, 0, s + array([s + array([partition])])),
    ]


class Strings(NodeCase):
    def test_the_longest_strings_are_answered_in_every_api(self):
        for at, (key, version, body) in enumerate(requests(LONGEST)):
            with self.subTest(at=at, key=key, version=version):
                with Client(self.node.port) as client:
                    client.client_id = LONGEST
                    client.request(key, version, body)
        self.assertIsNone(self.node.process.poll(), self.node.log())

    def test_a_client_id_as_long_as_it_can_be_makes_no_longer_member_id(self):
        for version in (3, 4):
            with Client(self.node.port) as client:
                client.client_id = LONGEST
                body = (string(f'long-{version}') + i32(6000) + i32(6000)
                        + string('') + string('consumer')
                        + array([string('range') + data(b'')]))
                answers = []

                def joined():
                    client.request(FIND_COORDINATOR, 0, string("g")) # makes it
                    answer = client.request(JOIN_GROUP, version, body)
                    answer.number('i')
                    answers.append((answer.number('h'), answer))
                    # 14 and 15: the coordinator is about to be there.
                    return answers[-1][0] not in (14, 15)
                self.assertTrue(until(joined))
                code, answer = answers[-1]
                self.assertEqual({3: 0, 4: 79}[version], code)
                answer.number('i'), answer.string(), answer.string()
                size = len(answer.string())
                self.assertGreater(size, 30000)
                self.assertLessEqual(size, 32767)

    def test_a_list_that_grows_is_described_or_refused(self):
        """APPEND makes a value of several that are as long as they may be."""
        value = string('compact,delete,' * 2184)
        append = i8(2)
        for _ in range(3):
            self.client.request(
                44, 0, array([i8(TOPIC) + string('t') + array(
                    [string('cleanup.policy') + append + value])]) + i8(0))
            self.client.request(
                32, 1, array([i8(TOPIC) + string('t') + i32(-1)]) + i8(1))

    def test_a_compact_string_above_the_longest_closes_the_connection(self):
        for size in (32768, 40000, 200000):
            text = compact('y' * size)
            bodies = [
                # Metadata 9, FindCoordinator 4, JoinGroup 6, OffsetCommit 8,
                # CreateTopics 5, ListGroups 4.
                (3, 9, compact_array([text + TAGS]) + i8(1) * 3 + TAGS),
                (10, 4, i8(0) + compact_array([text]) + TAGS),
                (JOIN_GROUP, 6, text + i32(6000) + i32(6000) + compact('')
                 + b'\0' + compact('consumer') + compact_array([]) + TAGS),
                (8, 8, compact('g') + i32(-1) + compact('') + b'\0'
                 + compact_array([compact('t') + compact_array(
                     [i32(0) + i64(1) + i32(-1) + text + TAGS]) + TAGS])
                 + TAGS),
                (19, 5, compact_array([text + i32(1) + i16(1) + b'\1\1' + TAGS])
                 + i32(1000) + i8(0) + TAGS),
                (LIST_GROUPS, 4, compact_array([text]) + TAGS),
            ]
            for key, version, body in bodies:
                with self.subTest(size=size, key=key):
                    with Client(self.node.port) as client:
                        client.send(client.frame(key, version, TAGS + body))
                        self.assert_closed(client)
        self.assert_logged('a string of 40000 bytes', 'the most is 32767')

    def test_the_longest_compact_string_is_answered(self):
        text = compact('y' * 32767)
        for key, version, body in (
                (3, 9, compact_array([text + TAGS]) + i8(1) * 3 + TAGS),
                (FIND_COORDINATOR, 4, i8(0) + compact_array([text]) + TAGS),
                (19, 5, compact_array(
                    [text + i32(1) + i16(1) + b'\1\1' + TAGS])
                 + i32(1000) + i8(0) + TAGS)):
            with self.subTest(key=key):
                self.client.request(key, version, TAGS + body)
