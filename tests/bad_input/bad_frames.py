"""Frames and requests that cannot be, and strangers' protocols."""
import socket
import ssl
import struct
import time

import wire
from node import NodeCase
from wire import Client, array, i16, i32, string


def request_header(key, version, correlation=1):
    return i16(key) + i16(version) + i32(correlation) + string('bad')


class Frames(NodeCase):
    def test_a_frame_cut_short_takes_nobody_down(self):
        whole = self.client.frame(wire.METADATA, 1, array([]))
        for size in range(1, len(whole)):
            with Client(self.node.port) as client:
                client.send(whole[:size])
                client.socket.shutdown(socket.SHUT_WR)
                self.assert_closed(client)

    def test_impossible_lengths_close_the_connection_and_are_logged(self):
        for length in (-1, -2147483648, 2147483647, 104857601):
            with Client(self.node.port) as client:
                client.send(i32(length) + request_header(wire.METADATA, 1))
                self.assert_closed(client)
        self.assert_logged('negative length')
        self.assert_logged('2147483647', 'the limit is')

    def test_a_long_first_frame_must_begin_as_a_request(self):
        for begin in (b'\xff' * 8, i16(1001) + i16(0), i16(3) + i16(101)):
            with Client(self.node.port) as client:
                client.send(i32(2000000) + begin)
                self.assert_closed(client)
        self.assert_logged('2000000', 'does not begin as a request')

    def test_a_first_request_may_be_a_produce_of_megabytes(self):
        """Some clients know the versions from another connection."""
        self.client.create_topic('big', max_message_bytes=8 << 20)
        value = b'x' * (5 << 20)
        records = wire.batch([wire.record(value=value)])
        with Client(self.node.port) as client:
            frame = client.frame(
                wire.PRODUCE, 8, wire.produce_body('big', records))
            for at in (0, 3, 5, 7, 9, 100):  # in pieces, at first
                client.send(frame[at:at + {0: 3, 3: 2, 5: 2, 7: 2, 9: 91,
                                           100: len(frame)}[at]])
            answer = client.answer()
            answer.number('i'), answer.string(), answer.number('i')
            answer.number('i')
            self.assertEqual(0, answer.number('h'))

    def test_a_length_above_the_limit_after_good_requests_closes(self):
        self.client.request(wire.API_VERSIONS, 0)
        self.client.send(i32(104857601) + b'x' * 1000)
        self.assert_closed()

    def test_a_declared_length_takes_no_memory(self):
        before = self.node.resident_bytes()
        held = []
        for _ in range(50):
            client = Client(self.node.port)
            client.request(wire.API_VERSIONS, 0)
            client.send(i32(100 << 20) + b'x' * 100)
            held.append(client)
        self.neighbour.check()
        self.assertLess(self.node.resident_bytes() - before, 8 << 20)
        for client in held:
            client.socket.close()

    def test_an_empty_frame_and_a_header_cut_short_close(self):
        for payload in (b'', b'\0', i16(3), i16(3) + i16(1), i16(3) + i16(1)
                        + i32(1) + i16(100) + b'short'):
            with Client(self.node.port) as client:
                client.send(i32(len(payload)) + payload)
                self.assert_closed(client)

    def test_unknown_apis_close_and_the_log_names_them(self):
        for key in (-1, 4, 17, 76, 999, 32767, -32768):
            with Client(self.node.port) as client:
                client.send(client.frame(key, 0))
                self.assert_closed(client)
        self.assert_logged('API key 999', 'ApiVersions')

    def test_versions_out_of_range_close_and_the_log_names_the_range(self):
        for key, version in ((wire.METADATA, 14), (wire.METADATA, -1),
                             (wire.FETCH, 3), (wire.FETCH, 32767),
                             (wire.PRODUCE, 14), (wire.CREATE_TOPICS, 1)):
            with Client(self.node.port) as client:
                # In flexible versions the header ends with tagged fields.
                client.send(client.frame(key, version, b'\0'))
                self.assert_closed(client)
        self.assert_logged('version 14 is not within')

    def test_api_versions_in_an_unknown_version_gets_error_35_in_v0_form(self):
        for version in (5, 99, 32767, -1):
            with Client(self.node.port) as client:
                answer = client.request(
                    wire.API_VERSIONS, version, b'\0\xff\xee garbage')
                self.assertEqual(35, answer.number('h'), version)
                ranges = [struct.unpack('>hhh', answer.take(6))
                          for _ in range(answer.number('i'))]
                self.assertIn(wire.API_VERSIONS, [key for key, *_ in ranges])
                self.assertEqual(answer.at, len(answer.payload))
                client.request(wire.API_VERSIONS, 0)  # and may try again

    def test_absurd_counts_close_the_connection(self):
        topic = string('t')
        bodies = [
            (wire.METADATA, 1, i32(2147483647)),
            (wire.METADATA, 1, i32(1) + i16(-5)),
            (wire.METADATA, 1, i32(1) + i16(32767) + b'abc'),
            (wire.METADATA, 9, b'\xff\xff\xff\xff\x0f'),
            (wire.METADATA, 9, b'\xff' * 11),
            (wire.FETCH, 4, i32(-1) * 4 + b'\0' + i32(1) + topic
             + i32(1 << 30)),
            (wire.PRODUCE, 8, string(None) + i16(-1) + i32(1) + i32(1)
             + topic + i32(1) + i32(0) + i32(2147483647)),
            (wire.CREATE_TOPICS, 2, i32(0x7fffffff) + i32(1)),
            (wire.JOIN_GROUP, 5, b'\xff' * 40),
        ]
        for key, version, body in bodies:
            with Client(self.node.port) as client:
                # A flexible header ends with its tagged fields.
                tags = b'\0' if version == 9 else b''
                client.send(client.frame(key, version, tags + body))
                self.assert_closed(client)

    def test_negative_lengths_are_null_where_null_may_be(self):
        """As Kafka reads them, however far below zero they are."""
        def answer(key, version, body):
            with Client(self.node.port) as client:
                return client.request(key, version, body).payload[4:]
        self.assertEqual(answer(wire.METADATA, 1, i32(-1)),
                         answer(wire.METADATA, 1, i32(-2)))
        produce = (string(None) + i16(-1) + i32(1) + i32(1) + string('t')
                   + i32(1) + i32(0))
        self.assertEqual(answer(wire.PRODUCE, 8, produce + i32(-1)),
                         answer(wire.PRODUCE, 8, produce + i32(-7)))

    def test_acks_that_do_not_exist_are_refused(self):
        for acks in (2, -2, 32767):
            code, _, _ = self.client.produce('t', wire.batch(), acks)
            self.assertEqual(21, code)  # INVALID_REQUIRED_ACKS

    def test_unknown_and_impossible_partitions_are_refused(self):
        for partition in (1, -1, 2147483647, -2147483648):
            code, _, _ = self.client.produce(
                't', wire.batch(), partition=partition)
            self.assertEqual(3, code, partition)

    def test_offsets_that_are_not_there_are_out_of_range(self):
        for offset in (-1, 1 << 40, (1 << 63) - 1, -(1 << 63)):
            code, _, got = self.client.fetch('t', offset)
            self.assertEqual((1, b''), (code, got), offset)

    def test_a_slow_writer_is_served_in_the_end_and_holds_up_nobody(self):
        frame = self.client.frame(wire.METADATA, 1, array([]))
        for byte in frame[:8]:
            self.client.send(bytes([byte]))
            self.neighbour.check()
            time.sleep(0.1)
        for byte in frame[8:]:
            self.client.send(bytes([byte]))
        self.client.answer()
        self.assertLess(self.neighbour.slowest, 5)

    def test_a_reader_that_never_reads_is_not_answered_without_bound(self):
        self.client.send(self.client.frame(wire.METADATA, 1, array([])))
        self.client.answer()
        self.client.socket.settimeout(2)
        frame = self.client.frame(wire.API_VERSIONS, 0)
        before = self.node.resident_bytes()
        try:
            for _ in range(2000):
                self.client.socket.sendall(frame * 100)
        except TimeoutError:
            pass
        self.neighbour.check()
        self.assertLess(self.node.resident_bytes() - before, 64 << 20)


class Strangers(NodeCase):
    def say(self, text, port=None):
        with Client(port or self.node.port) as client:
            client.send(text)
            return client.rest()

    def test_http_gets_an_http_answer_that_names_the_port(self):
        for request in (b'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
                        b'POST /topics HTTP/1.1\r\n\r\n'):
            answer = self.say(request)
            self.assertTrue(answer.startswith(b'HTTP/1.1 400 '), answer)
            self.assertIn(b"speaks Kafka's protocol", answer)
        self.assert_logged('HTTP was spoken')

    def test_tls_gets_an_alert_that_a_client_understands(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self.assertRaises(ssl.SSLError) as failure:
            context.wrap_socket(self.client.socket)
        self.assertIn('ALERT', str(failure.exception).upper())
        self.assert_logged('TLS was spoken', 'PLAINTEXT')

    def test_zookeepers_four_letters_get_a_sentence(self):
        for word in (b'ruok', b'stat\n', b'mntr'):
            self.assertIn(b"not ZooKeeper's", self.say(word))

    def test_redis_gets_an_error_of_its_own(self):
        for words in (b'PING\r\n', b'*1\r\n$4\r\nPING\r\n'):
            self.assertTrue(self.say(words).startswith(b'-ERR '))

    def test_http2_gets_goaway(self):
        answer = self.say(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
        self.assertIn(b"speaks Kafka's protocol", answer)

    def test_ssh_gets_a_line(self):
        self.assertIn(b'not SSH', self.say(b'SSH-2.0-OpenSSH_9.2\r\n'))

    def test_postgresql_gets_an_error_of_its_own_at_once(self):
        # SSLRequest, GSSENCRequest, CancelRequest, and a startup without TLS:
        # their lengths count themselves, so as a frame each lacks four bytes.
        startup = b'\0\3\0\0user\0me\0database\0mine\0\0'
        for body in (i32(80877103), i32(80877104),
                     i32(80877102) + i32(7) + i32(8), startup):
            answer = self.say(i32(4 + len(body)) + body)
            self.assertTrue(answer.startswith(b'E'), answer)
            self.assertEqual(
                len(answer) - 1, struct.unpack('>i', answer[1:5])[0])
            self.assertIn(b'not that of PostgreSQL', answer)
        self.assert_logged('PostgreSQL was spoken')

    def test_metadata_version_0_byte_by_byte_is_not_taken_for_postgresql(self):
        for byte in self.client.frame(wire.METADATA, 0, array([])):
            self.client.send(bytes([byte]))
        self.client.answer()

    def test_noise_closes_the_connection(self):
        self.assertEqual(b'', self.say(b'\xff' * 4096))

    def test_kafka_on_the_http_port_is_refused_and_logged(self):
        answer = self.say(self.client.frame(wire.API_VERSIONS, 3),
                          self.node.http)
        self.assertFalse(answer.startswith(b'HTTP/1.1 200'), answer)
        self.assert_logged('Kafka', 'HTTP')

    def test_garbage_on_the_http_port_gets_400(self):
        for text in (b'NOT HTTP\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n',
                     b'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n'):
            answer = self.say(text, self.node.http)
            self.assertRegex(answer, rb'^HTTP/1\.1 [45]\d\d ')

    def test_an_endless_http_header_is_cut_off(self):
        with Client(self.node.http) as client:
            client.send(b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 200000)
            answer = client.rest()
        self.assertRegex(answer, rb'^(HTTP/1\.1 4\d\d |$)')

    def test_a_zookeeper_client_is_named_in_the_log(self):
        connect = i32(0) + b'\0' * 8 + i32(30000) + b'\0' * 8
        connect += i32(16) + b'\0' * 16
        for tail in (b'', b'\0'):
            frame = connect + tail
            self.assertEqual(b'', self.say(i32(len(frame)) + frame))
        self.assert_logged('a ZooKeeper client', '--bootstrap-server')
