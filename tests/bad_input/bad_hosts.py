"""What the machine may do to a server: descriptors, disks, directories."""
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import wire
from node import LONG, Node, NodeCase, until
from wire import Client, batch, record

STORAGE_ERROR = 56


def raise_own_limit():
    """As many descriptors as this process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class IdleConnections(NodeCase):
    per_connection_max = 12 << 10

    def test_thousands_of_idle_connections_are_cheap(self):
        count = min(18000 if LONG else 5000, raise_own_limit() - 1500)
        before = self.node.resident_bytes()
        held = []
        try:
            for i in range(count):
                client = Client(self.node.port)
                if i % 2:  # half of them have said something
                    client.request(wire.API_VERSIONS, 0)
                held.append(client)
            self.neighbour.check()
            grown = self.node.resident_bytes() - before
            print(f'{count} idle connections: {grown // count} bytes each')
            self.assertLess(grown // count, self.per_connection_max)
            for client in (held[0], held[1], held[-1]):
                client.request(wire.API_VERSIONS, 0)
        finally:
            for client in held:
                client.socket.close()
        with Client(self.node.port) as client:
            client.request(wire.API_VERSIONS, 0)
        self.neighbour.check()


class Descriptors(NodeCase):
    descriptors = 200

    def test_without_descriptors_clients_are_told_and_others_go_on(self):
        held = []
        for _ in range(self.descriptors + 20):
            held.append(Client(self.node.port, 5))
        refused = [c for c in held[-20:] if self.is_closed(c)]
        self.assertTrue(refused, 'all were accepted')
        self.neighbour.check()
        self.assert_logged(
            f'the limit is {self.descriptors} file descriptors', 'ulimit -n')
        # A topic that needs new files gets an error, and no more than that.
        self.client.create_topic('late')
        code, _, why = self.client.produce('late', batch())
        self.assertIn(code, (0, 3, 5, 6, STORAGE_ERROR), why)
        for client in held:
            client.socket.close()

        def served():
            try:
                with Client(self.node.port, 5) as client:
                    client.request(wire.API_VERSIONS, 0)
                    return True
            except (OSError, wire.Closed):
                return False
        self.assertTrue(until(served))
        self.assertEqual(0, self.client.create_topic('later'))
        self.assertEqual(0, self.client.produce('later', batch())[0])

    @staticmethod
    def is_closed(client):
        client.socket.settimeout(0.5)
        try:
            return client.socket.recv(1) == b''
        except TimeoutError:
            return False
        except OSError:
            return True


def may_mount():
    command = ['unshare', '-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@unittest.skipUnless(may_mount(), 'mounting is not allowed here')
class Disks(unittest.TestCase):
    """File systems of one's own, which no one else sees."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix='millrace-bad-disk-')
        self.addCleanup(shutil.rmtree, self.directory, True)

    def mounted(self, options, prepare=':'):
        script = (f'mount -t tmpfs -o {options} none {self.directory} && '
                  f'{prepare} && exec "$@"')
        return Node(directory=self.directory,
                    prefix=('unshare', '-m', 'sh', '-c', script, 'sh'))

    def remount(self, node, options):
        subprocess.run(
            ['nsenter', '-t', str(node.process.pid), '-m', 'mount', '-o',
             f'remount,{options}', self.directory], check=True)

    def test_a_full_disk_refuses_writes_and_serves_reads(self):
        node = self.mounted('size=24m')
        self.addCleanup(node.end)
        node.await_ready()
        with Client(node.port) as client:
            self.assertEqual(0, client.create_topic('t'))
            self.assertEqual(0, client.produce('t', batch())[0])
            big = batch([record(value=os.urandom(500_000))])
            stored, code = 1, 0
            for _ in range(80):
                code, _, why = client.produce('t', big)
                if code:
                    break
                stored += 1
            self.assertEqual(STORAGE_ERROR, code, why)
            self.assertIn('space', why)
            # What is there can be read, and asked about.
            code, high, got = client.fetch('t', 0)
            self.assertEqual((0, stored), (code, high))
            self.assertTrue(got)
            client.request(wire.METADATA, 1, wire.array([]))
            # With room again, it goes on by itself.
            self.remount(node, 'size=64m')
            self.assertTrue(until(
                lambda: client.produce('t', batch())[0] == 0, 10),
                node.log())
        self.assertEqual(0, node.end())

    def test_a_read_only_directory_is_named(self):
        node = self.mounted(
            'size=8m', f'mount -o remount,ro {self.directory}')
        log = node.refused()
        self.assertIn(self.directory, log)
        self.assertIn('read-only', log.lower())


class Supervision(unittest.TestCase):
    def test_a_node_that_loses_its_metadata_log_starts_from_the_disk(self):
        # The log goes through a pipe: the limit below is not for it.
        node = Node(prefix=(
            'bash', '-c', 'exec "$@" > >(exec cat) 2>&1', 'bash'))
        self.addCleanup(node.end)
        node.await_ready()
        pid = node.process.pid
        with Client(node.port) as client:
            self.assertEqual(0, client.create_topic('before'))
            self.assertEqual(0, client.produce('before', batch())[0])
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
        with Client(node.port) as client:
            try:
                self.assertNotEqual(0, client.create_topic('during'))
            except (OSError, wire.Closed):
                pass  # its answer died with the controller
        self.assertTrue(until(
            lambda: 'cannot start again' in node.log()), node.log())
        self.assertIn('the metadata log cannot be written', node.log())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        self.assertTrue(until(
            lambda: 'started again from the disk' in node.log(), 30),
            node.log())
        node.await_ready()
        with Client(node.port) as client:
            code, high, _ = client.fetch('before', 0)
            self.assertEqual((0, 1), (code, high))
            self.assertEqual(0, client.create_topic('after'))
            self.assertEqual(0, client.produce('after', batch())[0])
        self.assertEqual(pid, node.process.pid)
        self.assertEqual(0, node.end())


class Directories(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix='millrace-bad-dir-')
        self.addCleanup(shutil.rmtree, self.directory, True)

    def started(self, *options, **more):
        node = Node(*options, directory=self.directory, **more)
        self.addCleanup(node.end)
        return node.await_ready()

    def refused(self, *options, **more):
        return Node(*options, **{'directory': self.directory, **more}).refused()

    def test_the_directory_of_another_node_is_refused(self):
        self.assertEqual(0, self.started().end())
        log = self.refused('--node-id', '7')
        self.assertIn(self.directory, log)
        self.assertIn('belongs to node 0, and this is node 7', log)
        self.assertEqual(0, self.started().end())

    def test_a_directory_in_use_is_refused_and_its_user_goes_on(self):
        node = self.started()
        log = self.refused()
        self.assertIn(self.directory, log)
        self.assertRegex(log, 'lock|in use|another')
        with Client(node.port) as client:
            client.request(wire.API_VERSIONS, 0)

    def test_a_port_in_use_is_named(self):
        with socket.socket() as held:
            held.bind(('127.0.0.1', 0))
            held.listen()
            port = held.getsockname()[1]
            log = self.refused(port=port)
        self.assertIn(f'127.0.0.1:{port}', log)
        self.assertIn('in use', log)

    def test_a_file_where_the_directory_should_be_is_named(self):
        path = os.path.join(self.directory, 'file')
        with open(path, 'w') as file:
            file.write('not a directory')
        log = self.refused(directory=path)
        self.assertIn(path, log)
        self.assertIn('directory', log)

    def test_damaged_meta_properties_are_refused_by_name(self):
        self.assertEqual(0, self.started().end())
        path = os.path.join(self.directory, 'meta.properties')
        for text in ('version=9\n', 'garbage', '', 'version=1\nnode.id=x\n'):
            with open(path, 'w') as file:
                file.write(text)
            self.assertIn('meta.properties', self.refused())

    def test_strangers_files_in_the_directory_are_left_alone(self):
        self.assertEqual(0, self.started().end())
        for name in ('notes.txt', 'lost+found/x', 'a-b-c/00.log', '-0/x',
                     't--1/00000000000000000000.log', '\udcff-0/x'):
            path = os.path.join(self.directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w') as file:
                file.write('mine')
        node = self.started()
        with Client(node.port) as client:
            client.create_topic('t')
            self.assertEqual(0, client.produce('t', batch())[0])
        self.assertEqual(0, node.end())
        with open(os.path.join(self.directory, 'notes.txt')) as file:
            self.assertEqual('mine', file.read())

    def test_a_damaged_log_is_reported_and_everything_else_served(self):
        node = self.started()
        with Client(node.port) as client:
            for topic in ('good', 'spoilt'):
                self.assertEqual(0, client.create_topic(topic))
                for _ in range(20):
                    self.assertEqual(
                        0, client.produce(topic, batch([record(
                            value=b'x' * 100)]))[0])
        node.process.kill()
        node.process.wait()
        node.end()
        log = os.path.join(self.directory, 'spoilt-0', '0' * 20 + '.log')
        with open(log, 'r+b') as file:
            file.seek(700)
            file.write(b'\xff' * 300)
        node = self.started()
        with Client(node.port) as client:
            code, high, _ = client.fetch('good', 0)
            self.assertEqual((0, 20), (code, high))
            code, high, got = client.fetch('spoilt', 0)
            self.assertEqual(0, code)
            code, base, why = client.produce('spoilt', batch())
            self.assertEqual(0, code, why)
        self.assertIn('spoilt-0', node.log())
        self.assertEqual(0, node.end())
