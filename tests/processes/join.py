#!/usr/bin/env python3
"""A fourth node joins three real ones with a token, under TLS and without.

usage: join.py
"""
import os
import subprocess

from nodes import Cluster, Node, check, free_ports, test_folder, until

RECORDS = 500


def millrace(*words, code=0, says="", text=None):
    done = subprocess.run(
        [os.environ["MILLRACE_BINARY"], *words], input=text, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        check=False)
    command = " ".join(word[:30] for word in words)
    check(done.returncode == code, f"{command} ends with {code}, not "
          f"{done.returncode}: {done.stdout}")
    check(says in done.stdout, f"{command} says <{says}>, not: {done.stdout}")
    print(f"ok   {command}", flush=True)
    return done.stdout


class Joined(Cluster):
    """Node 4 is started by `millrace join`, and later by what that wrote."""

    def __init__(self, folder, certificates):
        super().__init__(folder, 3)
        for node in self.nodes.values():
            if certificates:
                path = os.path.join(certificates, f"node-{node.number}")
                key = "millrace.cluster.ssl."
                node.settings = {
                    key + "ca.location": os.path.join(certificates, "ca.pem"),
                    key + "certificate.location": path + ".pem",
                    key + "key.location": path + ".key"}
        self.token = None

    def command(self, node):
        if node.number < 4:
            return super().command(node)
        configuration = os.path.join(node.folder, "millrace.properties")
        if os.path.exists(configuration):
            return [os.environ["MILLRACE_BINARY"], "serve", "--config",
                    configuration, "--http", "off"]
        return self.join(node)

    def leads(self, number):
        found = self.any_metadata(["t"])
        return found and any(p["leader"] == number
                             for p in found[1].get("t", {}).values())

    def join(self, node, token=None, server=None):
        return [os.environ["MILLRACE_BINARY"], "join",
                server or f"127.0.0.1:{self.nodes[1].kafka}",
                *(["--token", token] if token else
                  ["--token-file", self.token]),
                "--cluster", f"127.0.0.1:{node.cluster}",
                "--kafka", f"127.0.0.1:{node.kafka}",
                "--data-dir", node.folder, "--http", "off"]


def refused(cluster, node, code, says, **what):
    millrace(*cluster.join(node, **what)[1:], code=code, says=says)
    check(not os.path.exists(node.folder), "and nothing is written")


def prepare(cluster, folder, sign, number):
    """The next node, with a token that names it."""
    cluster.token = os.path.join(folder, f"token-{number}")
    millrace("cluster", "token", *sign, "-b", cluster.bootstrap, "--out",
             cluster.token, says=f"for node {number}")
    return Node(number, os.path.join(folder, str(number)), *free_ports(2))


def join(cluster, folder, certificates):
    server = ["-b", cluster.bootstrap]
    sign = ["--certs", certificates] if certificates else []
    cluster.start_all()
    millrace("topic", "create", "t", "-p", "4", *server)
    millrace("produce", "t", *server,
             text="".join(f"{i}\n" for i in range(RECORDS)))
    millrace("cluster", "token", "2", *sign, *server, code=1,
             says="node 2 is in the cluster")
    node = prepare(cluster, folder, sign, 4)
    with open(cluster.token) as file:
        text = file.read()
    refused(cluster, node, 2, "the token is broken", token="bWlsbA==")
    refused(cluster, node, 2, "was all of it copied?",
            token=text[:40])
    refused(cluster, node, 4, "cannot reach",
            server=f"127.0.0.1:{node.cluster}")
    cluster.nodes[4] = node
    cluster.start(4)
    cluster.await_brokers()
    millrace("rebalance", "--apply", *server)
    cluster.await_in_sync("t", 4, 3)
    until(lambda: cluster.leads(4), 30, "node 4 leads a partition")
    # Twice it does not join; it is started with what was written.
    millrace(*cluster.join(node)[1:], code=1, says="is in the cluster already")
    cluster.stop(4)
    cluster.start(4)
    cluster.await_brokers()
    cluster.await_in_sync("t", 4, 3)
    millrace("cluster", "add", "4", *server, says="voters: 1, 2, 3, 4")
    read = millrace("consume", "t", "-e", *server).split()
    check(sorted(int(w) for w in read if w.isdigit()) == list(range(RECORDS)),
          "every record is there once")
    # The list of those who vote has changed since the cluster was formed.
    cluster.nodes[5] = prepare(cluster, folder, sign, 5)
    cluster.start(5)
    cluster.await_brokers()
    check(os.stat(cluster.token).st_mode & 0o77 == 0,
          "the token is its owner's")
    key = os.path.join(node.folder, "node.key")
    check(not certificates or os.stat(key).st_mode & 0o77 == 0,
          "the key is its owner's")
    cluster.check_alive()


def main():
    for secure in (True, False):
        with test_folder("join") as folder:
            certificates = os.path.join(folder, "certs") if secure else None
            if secure:
                millrace("cluster", "cert", "--dir", certificates)
            with Joined(folder, certificates) as cluster:
                join(cluster, folder, certificates)


if __name__ == "__main__":
    main()
