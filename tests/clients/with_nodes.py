#!/usr/bin/env python3
"""Runs a test against a cluster of its own.

usage: with_nodes.py COUNT COMMAND [ARG]...
Runs COMMAND with $BOOTSTRAP set to COUNT fresh nodes, which must all be alive
when it ends, and end cleanly themselves. `python` stands for that of the
clients' environment.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "processes"))
from nodes import Cluster, check, test_folder  # noqa: E402


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with test_folder("nodes") as folder, \
            Cluster(folder, int(sys.argv[1])) as cluster:
        cluster.start_all()
        path = os.path.join(os.environ["MILLRACE_CLIENTS"], "venv", "bin")
        code = subprocess.run(
            sys.argv[2:], check=False,
            env={**os.environ, "BOOTSTRAP": cluster.bootstrap,
                 "PATH": f"{path}:{os.environ['PATH']}"}).returncode
        check(code == 0, f"the test ended with {code}")
        for number in cluster.nodes:
            cluster.stop(number)


if __name__ == "__main__":
    main()
