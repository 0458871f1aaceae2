#!/usr/bin/env python3
"""What judges and disturbs real nodes must itself do what it says."""
import os
import socket
import subprocess
import tempfile
import unittest

from nodes import Failed, Proxy, free_ports

GOOD = """\
send 0 1 1 10 20 acknowledged 0
send 0 2 1 11 22 unknown -1
send 0 3 1 12 23 acknowledged 2
read 0 0 1 1
read 0 1 2 1
read 0 2 3 1
final 1
"""


class JudgeTest(unittest.TestCase):
    def judge(self, text):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([os.environ["MILLRACE_JUDGE"], file.name],
                                  capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_a_right_history_passes(self):
        self.assertEqual(
            (0, "3 sends, 2 acknowledged, 3 reads\n"), self.judge(GOOD))

    def test_a_lost_record_is_found(self):
        code, text = self.judge(
            GOOD.replace("unknown -1", "acknowledged 1").replace(
                "read 0 1 2 1\n", ""))
        self.assertEqual(1, code)
        self.assertIn("lost", text)

    def test_a_doubled_record_is_found(self):
        code, text = self.judge(GOOD.replace("final", "read 0 3 3 1\nfinal"))
        self.assertEqual(1, code)
        self.assertIn("3", text)

    def test_what_is_no_history_is_told(self):
        for wrong in ("", "read 0 x 1 1\n", "send 0 1 1 1 1 maybe 1\n",
                      "nonsense\n"):
            code, _ = self.judge(wrong)
            self.assertEqual(2, code, wrong)


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.proxy = Proxy()
        self.addCleanup(self.proxy.end)
        (self.port,) = free_ports(1)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.proxy.ask(do="listen", name="1", port=self.port,
                       target=self.server.getsockname()[1])

    def connect(self):
        near = socket.create_connection(("127.0.0.1", self.port), 10)
        self.addCleanup(near.close)
        far, _ = self.server.accept()
        self.addCleanup(far.close)
        for end in (near, far):
            end.settimeout(10)
        return near, far

    def assert_silent(self, end):
        end.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            end.recv(10)
        end.settimeout(10)

    def test_it_carries_both_directions_and_the_end(self):
        near, far = self.connect()
        near.sendall(b"there")
        self.assertEqual(b"there", far.recv(10))
        far.sendall(b"back")
        self.assertEqual(b"back", near.recv(10))
        near.shutdown(socket.SHUT_WR)
        self.assertEqual(b"", far.recv(10))

    def test_a_cut_direction_keeps_bytes_and_end_for_later(self):
        near, far = self.connect()
        self.proxy.ask(do="cut", ways=[["client", "1"]])
        near.sendall(b"there")
        near.shutdown(socket.SHUT_WR)
        far.sendall(b"back")
        self.assertEqual(b"back", near.recv(10))
        self.assert_silent(far)
        self.proxy.ask(do="cut", ways=[])
        self.assertEqual(b"there", far.recv(10))
        self.assertEqual(b"", far.recv(10))

    def test_a_process_is_known_by_its_connections(self):
        self.proxy.ask(do="process", name="2", pid=os.getpid())
        near, far = self.connect()
        self.proxy.ask(do="cut", ways=[["client", "1"]])
        near.sendall(b"a")
        self.assertEqual(b"a", far.recv(10))
        self.proxy.ask(do="cut", ways=[["2", "1"]])
        near.sendall(b"b")
        self.assert_silent(far)

    def test_who_cannot_be_reached_is_closed(self):
        self.server.close()
        near = socket.create_connection(("127.0.0.1", self.port), 10)
        self.addCleanup(near.close)
        near.settimeout(10)
        try:
            self.assertEqual(b"", near.recv(10))
        except ConnectionResetError:
            pass  # no less closed

    def test_a_mistaken_command_is_told(self):
        with self.assertRaises(Failed):
            self.proxy.ask(do="nonsense")


if __name__ == "__main__":
    unittest.main()
