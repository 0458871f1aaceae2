#!/usr/bin/env python3
"""Judges the judges: the clients' tests must pass against a real Kafka too.

usage: peer.py COMMAND [ARG]...
Runs COMMAND with $MILLRACE_TEST_BOOTSTRAP set to a Kafka of its own, which is
then stopped; the exit code is the command's.
"""
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["MILLRACE_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "bench", "driver"))
from servers import Kafka  # noqa: E402


class QuickKafka(Kafka):
    """One that makes a group wait no longer than Millrace's tests do."""

    def prepare(self):
        super().prepare()
        with open(self.properties(), "a") as file:
            file.write("group.initial.rebalance.delay.ms=0\n"
                       "transaction.state.log.replication.factor=1\n"
                       "transaction.state.log.min.isr=1\n"
                       "share.coordinator.state.topic.replication.factor=1\n"
                       "share.coordinator.state.topic.min.isr=1\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    classpath = os.path.join(os.environ["MILLRACE_CLIENTS"], "java.classpath")
    with tempfile.TemporaryDirectory(prefix="millrace-peer-") as scratch, \
            QuickKafka(classpath, scratch) as kafka:
        kafka.start()
        environment = {**os.environ,
                       "MILLRACE_TEST_BOOTSTRAP": f"127.0.0.1:{kafka.port}"}
        return subprocess.run(sys.argv[1:], env=environment,
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
