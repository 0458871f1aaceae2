"""One client's connection to one server."""
import socket
import struct


class Closed(Exception):
    """The server has closed the connection."""


class Silent(Exception):
    """The server did not answer in time."""


class Link:
    patience_s = 60

    def __init__(self, port):
        self.port = port
        self.socket = None

    def send(self, frame):
        """The frame, with its length in front."""
        self.send_raw(struct.pack(">i", len(frame)) + frame)

    def send_raw(self, data):
        if self.socket is None:
            self.socket = socket.create_connection(
                ("127.0.0.1", self.port), self.patience_s)
            self.socket.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.sendall(data)
        except OSError:
            self.close()
            raise Closed from None

    def receive(self):
        """The next answer without its length."""
        size = struct.unpack(">i", self._take(4))[0]
        return self._take(size)

    def _take(self, count):
        out = b""
        while len(out) < count:
            try:
                part = self.socket.recv(count - len(out))
            except TimeoutError:
                self.close()
                raise Silent from None
            except OSError:
                part = b""
            if not part:
                self.close()
                raise Closed
            out += part
        return out

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None
