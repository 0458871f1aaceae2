"""A node that is stopped under load ends cleanly, every time: producers,
followers of a topic and group members are all in the middle of something."""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

BINARY = os.environ["MILLRACE_BINARY"]
ROUNDS = 60 if os.environ.get("MILLRACE_LONG") else 10
SEED = int(os.environ.get("MILLRACE_SEED", random.randrange(1 << 30)))


def kcat(at, *args, **options):
    return subprocess.Popen(["kcat", "-b", at, "-q", *args],
                            stderr=subprocess.DEVNULL, **options)


def one_round(dice, directory):
    at = None
    node = subprocess.Popen(
        [BINARY, "serve", "--data-dir", directory, "--kafka",
         "127.0.0.1:0", "--http", "off"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    clients = []
    try:
        while "Ctrl-C stops it" not in (line := node.stdout.readline()):
            assert node.poll() is None, "the node did not start"
            if line.split()[:1] == ["Kafka"]:
                at = line.split()[1]
        first = kcat(at, "-P", "-t", "t", stdin=subprocess.PIPE)
        first.communicate(b"x\n" * 1000)
        readers = [kcat(at, "-C", "-t", "t", "-u", stdout=subprocess.PIPE)
                   for _ in range(3)]
        clients += readers
        clients += [kcat(at, "-G", f"g{i}", "t", stdout=subprocess.DEVNULL)
                    for i in range(3)]
        feed = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
        clients.append(feed)
        clients.append(kcat(at, "-P", "-t", "t", stdin=feed.stdout))
        # Some way into the stream, somewhere else each time.
        for _ in range(dice.randrange(1500, 40000)):
            readers[0].stdout.readline()
        node.send_signal(signal.SIGTERM)
        code = node.wait(timeout=30)
        log = node.stderr.read()
        assert code == 0, f"exit code {code}: {log[-2000:]}"
    finally:
        for process in [*clients, node]:
            if process.poll() is None:
                process.kill()
            process.wait()


def main():
    dice = random.Random(SEED)
    for number in range(ROUNDS):
        directory = tempfile.mkdtemp(prefix="millrace-stop-")
        try:
            one_round(dice, directory)
        except (AssertionError, subprocess.TimeoutExpired) as failure:
            sys.exit(f"FAIL seed {SEED} round {number}: {failure}")
        finally:
            shutil.rmtree(directory)
    print(f"seed {SEED} rounds {ROUNDS} ok")


main()
