"""A server of one's own, and a healthy client that watches over it."""
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import wire

BINARY = os.environ.get('MILLRACE_BINARY', 'millrace')
LONG = bool(os.environ.get('MILLRACE_LONG'))


def until(condition, seconds=20):
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Node:
    """`serve` on free ports; data of its own unless told otherwise."""

    def __init__(self, *options, directory=None, prefix=(), descriptors=None,
                 port=None):
        self.scratch = tempfile.mkdtemp(prefix='millrace-bad-')
        self.directory = directory or os.path.join(self.scratch, 'data')
        # 0: the server takes a free one, and tells.
        self.wanted = port or 0
        self.log_path = os.path.join(self.scratch, 'log')

        def limit():
            if descriptors:
                resource.setrlimit(
                    resource.RLIMIT_NOFILE, (descriptors, descriptors))

        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen(
                [*prefix, BINARY, 'serve', '--data-dir', self.directory,
                 '--kafka', f'127.0.0.1:{self.wanted}',
                 '--http', '127.0.0.1:0', *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=limit)

    def told_port(self, listener):
        """The port in the server's greeting; 0 before it has come."""
        for line in self.log().splitlines():
            if line.split()[:1] == [listener]:
                return int(line.split()[1].rsplit(':', 1)[1])
        return 0

    @property
    def port(self):
        return self.told_port('Kafka') or self.wanted

    @property
    def http(self):
        return self.told_port('HTTP')

    def log(self):
        with open(self.log_path, errors='replace') as log:
            return log.read()

    def await_ready(self):
        if not until(self.answers):
            raise AssertionError('the server did not start:\n' + self.log())
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError('the server ended:\n' + self.log())
        try:
            with wire.Client(self.port, 2) as client:
                client.request(wire.API_VERSIONS, 0)
            return True
        except (OSError, wire.Closed):
            return False

    def resident_bytes(self):
        with open(f'/proc/{self.process.pid}/statm') as statm:
            return int(statm.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')

    def end(self):
        """The exit code after SIGTERM."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)
        return self.process.returncode

    def refused(self):
        """The log of a server that cannot start, once it has ended."""
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError('the server started') from None
        log = self.log()
        shutil.rmtree(self.scratch, ignore_errors=True)
        if code <= 0:
            raise AssertionError(f'exit code {code}:\n{log}')
        return log


class Neighbour(threading.Thread):
    """Produces and fetches all the time; nobody may be in its way."""

    def __init__(self, port, topic='healthy'):
        super().__init__(daemon=True)
        self.port, self.topic = port, topic
        self.rounds, self.slowest = 0, 0.0
        self.failure = None
        self.stopping = threading.Event()

    def run(self):
        try:
            with wire.Client(self.port, 60) as client:
                client.create_topic(self.topic)
                while not self.stopping.wait(0.005):
                    self.round(client)
        except Exception as error:  # told by check()
            self.failure = error

    def round(self, client):
        began = time.monotonic()
        value = str(self.rounds).encode()
        records = wire.batch([wire.record(value=value)])
        code, base, why = client.produce(self.topic, records)
        if code:
            raise AssertionError(f'produce: {code} {why}')
        code, _, got = client.fetch(self.topic, base)
        if code or not got.endswith(records[-len(value) - 1:]):
            raise AssertionError(f'fetch: {code} {got}')
        self.rounds += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def check(self):
        """It goes on, now too."""
        before = self.rounds
        moves = until(lambda: self.failure or self.rounds > before + 1)
        if self.failure or not moves:
            raise AssertionError(f'the neighbour: {self.failure or "stuck"}')

    def end(self):
        self.stopping.set()
        self.join(60)


class NodeCase(unittest.TestCase):
    """Tests of one server, which must be the same process at the end, serve
    its neighbour throughout, and not have grown."""
    options = ()
    descriptors = None
    growth_max = 96 << 20

    @classmethod
    def setUpClass(cls):
        cls.node = Node(*cls.options, descriptors=cls.descriptors)
        cls.addClassCleanup(cls.node.end)
        cls.node.await_ready()
        cls.neighbour = Neighbour(cls.node.port)
        cls.addClassCleanup(cls.neighbour.end)
        cls.neighbour.start()
        cls.neighbour.check()
        with wire.Client(cls.node.port) as client:
            client.create_topic('t')
            client.produce('t', wire.batch())
        cls.resident = cls.node.resident_bytes()

    def setUp(self):
        self.client = wire.Client(self.node.port)

    def tearDown(self):
        self.client.socket.close()
        self.assertIsNone(self.node.process.poll(), self.node.log())
        self.neighbour.check()
        grown = self.node.resident_bytes() - self.resident
        self.assertLess(grown, self.growth_max, 'resident bytes grown')

    def assert_closed(self, client=None):
        self.assertEqual(b'', (client or self.client).rest())

    def assert_logged(self, *words):
        """A line with all of these words comes."""
        def there():
            return any(all(word in line for word in words)
                       for line in self.node.log().splitlines())
        self.assertTrue(until(there, 5), f'{words} in:\n{self.node.log()}')
