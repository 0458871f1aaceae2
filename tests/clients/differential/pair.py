"""The two servers: each request goes to both, and the answers are compared."""
import struct
import time

from link import Closed, Link, Silent
from rules import Comparison, Identities
from wire import Malformed

SLOW_S = 5
ANSWERED, CLOSED, SILENT = "answered", "closed", "silent"


class Answer:
    """What a request led to: a body, or why there is none."""

    def __init__(self, how, body=None):
        self.how, self.body = how, body

    def shown(self):
        return self.body if self.how == ANSWERED else self.how


class Pair:
    """`left` is Kafka, whose values the requests are made of."""

    def __init__(self, apis, left_port, right_port):
        self.apis = apis
        self.ports = (left_port, right_port)
        self.identities = Identities()
        self.comparison = Comparison(self.identities, time.time() * 1000)
        self.links = {}
        self.correlation = 0
        self.sent = {}  # client: the correlation id of its last request
        self.asked = 0
        self.on_difference = None
        self.on_answers = None

    def _links(self, client):
        if client not in self.links:
            self.links[client] = (Link(self.ports[0]), Link(self.ports[1]))
        return self.links[client]

    def forget(self, client):
        for link in self.links.pop(client, ()):
            link.close()

    def frames(self, api, version, body, client, to_right=None):
        """The request for either server; for the right one what `to_right`
        makes of it."""
        self.correlation += 1
        self.sent[client] = self.correlation
        header = api.header(version, self.correlation, client)
        message = api.request(version)
        left = message.encode(body)
        translated = self.identities.translate(body)
        if to_right:
            translated = to_right(translated)
        right = left if translated == body else message.encode(translated)
        return header + left, header + right

    def post(self, api, version, body, client="d"):
        """Sends without waiting; for `collect`."""
        for both in zip(self._links(client),
                        self.frames(api, version, body, client)):
            self._send(*both)  # `collect` sees it where it is closed

    def collect(self, api, version, client="d"):
        return [self._receive(link, api, version, client)
                for link in self._links(client)]

    def _receive(self, link, api, version, client):
        if link.socket is None:
            return Answer(CLOSED)
        try:
            data = link.receive()
        except Closed:
            return Answer(CLOSED)
        except Silent:
            return Answer(SILENT)
        try:
            # What an unknown version of ApiVersions is answered with.
            if api.key == 18 and data[4:6] == b"\0\x23":
                version = 0
            correlation, body = api.read_answer(version, data)
        except Malformed as why:
            return Answer(f"malformed: {why}: {data[:80].hex()}")
        except struct.error as why:
            return Answer(f"malformed: {why}")
        if correlation != self.sent[client]:
            return Answer(f"correlation {correlation - self.sent[client]:+}")
        return Answer(ANSWERED, body)

    def exchange(self, api, frames, version, client="d", answered=True):
        """Both answers to frames that are ready. The servers work at the
        same time."""
        links = self._links(client)
        sent = [self._send(*both) for both in zip(links, frames)]
        return [(self._receive(link, api, version, client)
                 if answered else Answer("sent")) if took else Answer(CLOSED)
                for link, took in zip(links, sent)]

    @staticmethod
    def _send(link, frame):
        """Whether the server takes it."""
        try:
            link.send(frame)
        except Closed:
            return False
        return True

    def quiet(self, api, version, body, client="d"):
        """Both answers, not compared."""
        return self.exchange(
            api, self.frames(api, version, body, client), version, client)

    def one(self, side, api, version, body):
        """The answer of one server (0: left), to its own values."""
        self.correlation += 1
        self.sent["one"] = self.correlation
        link = self._links("one")[side]
        link.send(api.header(version, self.correlation, "one")
                  + api.request(version).encode(body))
        return self._receive(link, api, version, "one").body

    def ask(self, api, version, body, client="d", frames=None, again_s=0,
            first=None, view=None):
        """Asks both and compares; returns the left answer.

        A read of what is told to a broker a little later is asked again until
        the two agree, for `again_s` at most; each time after `first()`. What
        `view` makes of each answer is compared."""
        began = time.monotonic()
        until = began + again_s
        self.asked += 1
        while True:
            if first:
                first()
            now = frames or self.frames(api, version, body, client)
            left, right = self.exchange(api, now, version, client)
            found = self.compare(api, version, left, right, view)
            if not found or time.monotonic() > until:
                break
            time.sleep(0.02)  # between two questions, never for an event
        if self.on_answers:
            self.on_answers(api, version, body, left, right)
        if time.monotonic() - began > SLOW_S:
            print(f"slow: {api.name} v{version} took "
                  f"{time.monotonic() - began:.1f} s: {str(body)[:300]}",
                  flush=True)
        if found:
            if frames:
                print(f"  sent: {frames[0].hex()[:400]}")
            self.on_difference(api, version, body, found, left, right)
        return left

    def compare(self, api, version, left, right, view=None):
        """What differs in the answers, which the identities learn from."""
        view = view or (lambda shown: shown)
        return self.comparison.differences(
            api.name, version, view(left.shown()), view(right.shown()))
