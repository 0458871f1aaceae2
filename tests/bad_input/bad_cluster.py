"""Strangers, garbage and crowds at the port where nodes talk to nodes."""
import socket
import struct
import time

import wire
from node import LONG, NodeCase


def hello(node=2, wanted=1, lane=0, cluster=(0, 0), host=b'', port=0,
          directory=7, incarnation=1, size=None, wire_versions=(1, 1),
          more=b''):
    """docs/formats/node-messages.md"""
    body = struct.pack('<HHB3xQQiiQQQHHI', *wire_versions, lane, *cluster,
                       node, wanted, 100, directory, incarnation, port,
                       len(host), 0) + host
    body += b'\0' * (-len(body) % 8) + more
    return struct.pack('<II', 0x3148524d, size or 8 + len(body)) + body


def frame(message=b'', runs=(), conversation=1, message_size=None,
          run_count=None, body_size=None):
    def padded(part):
        return part + b'\0' * (-len(part) % 8)
    body = padded(message) + b''.join(padded(r) for r in runs)
    head = struct.pack(
        '<IHHQIIQ', 0x3145524d, conversation, 0, 5,
        len(message) if message_size is None else message_size,
        len(runs) if run_count is None else run_count,
        len(body) if body_size is None else body_size)
    head += b''.join(struct.pack('<I', len(r)) for r in runs)
    return head + b'\0' * (-len(head) % 16) + body


class Peer(wire.Client):
    """A connection to the cluster port."""

    def greeting(self):
        head = self.exactly(8)
        magic, size = struct.unpack('<II', head)
        return magic, self.exactly(size - 8)

    def refusal(self):
        magic, rest = self.greeting()
        assert magic == 0x314e524d, hex(magic)
        return rest[8:8 + struct.unpack('<I', rest[:4])[0]].decode()

    def exactly(self, size):
        got = b''
        while len(got) < size:
            part = self.socket.recv(size - len(got))
            if not part:
                raise wire.Closed
            got += part
        return got


class ClusterPort(NodeCase):
    # Its own address in the list is never dialed.
    options = ('--node-id', '1', '--cluster', '127.0.0.1:0',
               '--controllers', '1@127.0.0.1:19092')

    @property
    def port(self):
        return self.node.told_port('nodes')

    def peer(self):
        made = Peer(self.port, 10)
        self.addCleanup(made.socket.close)
        return made

    def greeted(self, **who):
        peer = self.peer()
        peer.send(hello(**who))
        magic, _ = peer.greeting()
        self.assertEqual(0x3148524d, magic)
        return peer

    def test_garbage_is_told_that_it_is_none(self):
        for bytes_ in (b'garbage that nobody understands', b'\0' * 100,
                       b'\xff' * 100, hello(size=0xffffffff), hello(size=8),
                       hello(size=81)):
            peer = self.peer()
            peer.send(bytes_)
            self.assertTrue(peer.refusal())
            self.assert_closed(peer)

    def test_a_kafka_client_is_closed_and_the_log_says_why(self):
        peer = self.peer()
        peer.send(peer.frame(wire.METADATA, 1, wire.array([])))
        self.assert_closed(peer)
        self.assert_logged('Kafka was spoken', 'advertised.listeners')

    def test_a_browser_is_told_where_it_is(self):
        peer = self.peer()
        peer.send(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
        self.assertIn(b'nodes of a Millrace cluster', peer.rest())

    def test_a_node_at_the_kafka_port_is_named_in_the_log(self):
        self.client.send(hello())
        self.assert_closed()
        self.assert_logged('between Millrace nodes was spoken')

    def test_hellos_that_do_not_fit_are_refused_with_a_sentence(self):
        for who, part in ((dict(cluster=(1, 2)), 'belongs to cluster'),
                          (dict(wanted=9), 'looks for node 9'),
                          (dict(node=1), 'there is another node 1'),
                          (dict(lane=1), 'after one for control')):
            peer = self.peer()
            peer.send(hello(**who))
            self.assertIn(part, peer.refusal())
            self.assert_closed(peer)

    def test_another_release_is_refused_with_a_sentence_in_both_logs(self):
        for versions in ((0, 0), (2, 2), (7, 9)):
            peer = self.peer()
            peer.send(hello(wire_versions=versions))
            said = peer.refusal()
            self.assertIn('speaks versions %d to %d' % versions, said)
            self.assertIn('their releases are too far apart', said)
            self.assert_closed(peer)
            self.assert_logged(said)

    def test_another_release_with_a_version_in_common_is_a_node(self):
        for who in (dict(wire_versions=(0, 1)), dict(wire_versions=(1, 9)),
                    dict(wire_versions=(1, 2), more=b'?' * 64)):
            peer = self.greeted(**who)
            peer.send(struct.pack('<I12x', 0x3150524d))
            self.assertEqual(
                struct.pack('<I12x', 0x3150524d), peer.exactly(16))

    def test_half_a_hello_is_not_waited_for_for_ever(self):
        peers = []
        for size in (0, 1, 7, 8, 40, 71):
            peer = self.peer()
            peer.send(hello()[:size])
            peers.append(peer)
        began = time.monotonic()
        for peer in peers:
            self.assert_closed(peer)
        self.assertLess(time.monotonic() - began, 8)

    def test_impossible_frames_end_the_connection_and_take_no_memory(self):
        before = self.node.resident_bytes()
        for bad in (frame(message_size=0xffffffff),
                    frame(run_count=0xffffffff),
                    frame(body_size=1 << 63), frame(body_size=1 << 32),
                    frame(b'x' * 8, body_size=64, runs=(b'abc',)),
                    frame(conversation=99), b'\0' * 64, hello()):
            peer = self.greeted()
            peer.send(bad)
            peer.socket.shutdown(socket.SHUT_WR)
            self.assert_closed(peer)
        self.assertLess(self.node.resident_bytes() - before, 8 << 20)

    def test_a_long_frame_that_does_not_come_takes_little_memory(self):
        before = self.node.resident_bytes()
        peers = [self.greeted(node=n, directory=n) for n in range(10, 40)]
        for peer in peers:
            peer.send(frame(message_size=8, run_count=1,
                            body_size=100 << 20) + b'x' * 1000)
        self.neighbour.check()
        # 4 MiB each are allowed, of which what has arrived is touched.
        self.assertLess(self.node.resident_bytes() - before, 32 << 20)

    def test_messages_that_say_nothing_are_no_end(self):
        for conversation in (1, 2, 3):
            for message in (b'', b'\0' * 8, b'\xff' * 64):
                peer = self.greeted()
                if conversation == 2:
                    continue  # its lane is another
                peer.send(frame(message, (b'run',), conversation))
                peer.send(struct.pack('<I12x', 0x3150524d))
                # The ping comes back: the message before it did no harm.
                self.assertEqual(
                    struct.pack('<I12x', 0x3150524d), peer.exactly(16))

    def test_a_thousand_connections_do_not_keep_a_node_out(self):
        crowd = [self.peer() for _ in range(3000 if LONG else 1000)]
        self.greeted(node=77, directory=77)
        self.neighbour.check()
        self.assertTrue(crowd)
