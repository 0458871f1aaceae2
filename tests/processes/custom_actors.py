#!/usr/bin/env python3
"""An example of users' own actors on three real nodes: the node of the one
instance is killed, and another one goes on, with every word counted once."""
import os
import re
import subprocess
import threading

from nodes import Cluster, check, test_folder, until

WORDS = ["ship", "mill", "race", "stream", "wheel"]
SETTINGS = {"auto.create.topics.enable": "true", "num.partitions": 1}


class Writer(threading.Thread):
    """Writes lines of words, each of which is acknowledged once."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.lines = cluster, 0
        self.ends, self.failed = threading.Event(), None

    def run(self):
        try:
            while not self.ends.is_set():
                subprocess.run(
                    [os.environ["MILLRACE_BINARY"], "produce", "text", "-b",
                     self.cluster.bootstrap],
                    input=" ".join(WORDS) + "\n", text=True, check=True,
                    capture_output=True, timeout=60)
                self.lines += 1
        except subprocess.SubprocessError as why:
            self.failed = f"{why} {getattr(why, 'stderr', '')}"

    def finish(self):
        self.ends.set()
        self.join(90)
        check(not self.is_alive(), "the writer ends")
        check(self.failed is None, f"every line is taken: {self.failed}")
        return self.lines


def counts(cluster):
    """The latest value of each key of the topic of the counts."""
    done = subprocess.run(
        [os.environ["MILLRACE_BINARY"], "consume", "counts", "-e", "-b",
         cluster.bootstrap, "-f", "%k=%s\n"],
        capture_output=True, text=True, check=False, timeout=60)
    return dict(line.split("=", 1) for line in done.stdout.split() if line)


def log_of(cluster, number):
    with open(cluster.nodes[number].log_path, errors="replace") as log:
        return log.read()


def counter_node(cluster, but=None):
    """The node of the counter, as the watches of all live nodes say last."""
    said = set()
    for node in cluster.live():
        found = re.findall(r"the counter is on node (\d+)",
                           log_of(cluster, node.number))
        if not found:
            return None
        said.add(int(found[-1]))
    if len(said) != 1 or but in said:
        return None
    return said.pop()


def scenario(cluster):
    cluster.create_topic("text", 1, 3)
    cluster.create_topic("counts", 1, 3)
    first = until(lambda: counter_node(cluster), 60,
                  "all watches know where the counter is")
    writer = Writer(cluster)
    writer.start()
    until(lambda: counts(cluster).get("mill"), 60, "words are counted")
    lines = writer.lines
    cluster.kill(first)
    second = until(lambda: counter_node(cluster, but=first), 60,
                   "another node counts")
    for node in cluster.live():
        check(f"node {first} is gone" in log_of(cluster, node.number),
              f"node {node.number} hears that node {first} is gone")
    until(lambda: writer.lines > lines + 2 or writer.failed, 60,
          "lines are taken after the kill")
    cluster.start(first)
    lines = writer.finish()
    expected = {word: str(lines) for word in WORDS}

    def right():
        found = counts(cluster)
        for word, times in found.items():
            check(int(times) <= lines, f"{word} is counted once for each time,"
                  f" not {times} times in {lines} lines")
        return found == expected

    until(right, 60, f"every word is counted {lines} times")
    print(f"node {first} was killed, node {second} went on; {lines} lines")


def main():
    with test_folder("custom-actors") as folder:
        with Cluster(folder, 3, settings=SETTINGS) as cluster:
            cluster.start_all()
            scenario(cluster)
            for number in cluster.nodes:
                cluster.stop(number)


if __name__ == "__main__":
    main()
