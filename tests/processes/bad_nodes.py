#!/usr/bin/env python3
"""Nodes that do not belong, or not as they are, beside five that do.

usage: bad_nodes.py CASE...        (all of them without)

Each is refused with a sentence in its own log and in those of the others, and
the others go on under their load: nothing is lost, doubled or out of order.
"""
import os
import shutil
import sys

from nodes import Cluster, Node, check, free_ports, test_folder, until
from processes import Trial


def log_of(node):
    with open(node.log_path, errors="replace") as log:
        return log.read()


def await_logged(node, *words, seconds=30):
    """Until one line of its log has all of these words."""
    def there():
        return any(all(w in line for w in words)
                   for line in log_of(node).splitlines())
    until(there, seconds, f"node {node.number} logs {words}")


class Guest:
    """A process beside the cluster's, with ports and a directory of its
    own, that ends with its case."""

    def __init__(self, cluster, number, settings=None, **changes):
        kafka, port = free_ports(2)
        self.cluster = cluster
        self.node = Node(number, os.path.join(
            cluster.folder, f"guest-{number}"), kafka, port)
        self.node.settings = settings or {}
        self.command = cluster.command(self.node)
        for option, value in changes.items():
            at = self.command.index("--" + option.replace("_", "-"))
            self.command[at + 1] = value

    def __enter__(self):
        self.cluster.launch(self.node, self.command)
        return self.node

    def __exit__(self, kind, *_):
        if kind is not None:
            print(f"--- the guest's log\n{log_of(self.node)[-4000:]}")
        if self.node.running:
            self.node.process.kill()
        self.node.process.wait()
        shutil.rmtree(self.node.folder, ignore_errors=True)


def other_cluster(trial):
    """Its list of controllers is another one."""
    cluster = trial.cluster
    one, two = cluster.nodes[1], cluster.nodes[2]
    with Guest(cluster, 9, controllers=f"1@127.0.0.1:{one.told_cluster},"
                                       f"2@127.0.0.1:{two.told_cluster}"
               ) as guest:
        for node in (guest, one, two):
            await_logged(node, "node 9 belongs to cluster", "to cluster")
        trial.await_progress(30)
        brokers, _ = cluster.metadata(1)
        check(9 not in brokers, "a node of another cluster is no broker")


def same_number(trial):
    """Another machine says that it is node 4, which is there."""
    cluster = trial.cluster
    with Guest(cluster, 4) as guest:
        for node in (guest, cluster.nodes[1], cluster.nodes[3]):
            await_logged(node, "another node 4 is connected",
                         "node.id must be different on every node")
        trial.await_progress(30)
        check(cluster.metadata(1)[0][4][1] == cluster.nodes[4].told_kafka,
              "node 4 is who it was")


def others_directory(trial):
    """A node is started on the directory of another one."""
    cluster = trial.cluster
    cluster.stop(3)
    folder = cluster.nodes[3].folder
    with Guest(cluster, 9, data_dir=folder) as guest:
        until(lambda: not guest.running, 30, "the node ends")
        await_logged(guest, "belongs to node 3, and this is node 9")
        trial.await_progress(30)
    cluster.start(3)
    trial.in_sync()


def wrong_address(trial):
    """It tells the others an address where nobody is. (One that is on the
    list of controllers with another port does not even start.)"""
    cluster = trial.cluster
    told = {"millrace.cluster.advertised.listener": "127.0.0.1:1"}
    with Guest(cluster, 9, told) as guest:
        await_logged(guest, "does not connect to this node", "127.0.0.1:1",
                     "millrace.cluster.advertised.listener")
        for number in range(1, cluster.controllers + 1):
            await_logged(
                cluster.nodes[number], "node 9", "cannot be reached at",
                "127.0.0.1:1", "millrace.cluster.advertised.listener")
        trial.await_progress(30)
        brokers, _ = cluster.metadata(1)
        check(9 not in brokers, "a node that cannot be reached is no broker")


def older_copy(trial):
    """After the power went for all, a node's directory comes back as it was
    before its last start, and the node is the first to be there."""
    cluster = trial.cluster
    node = cluster.nodes[3]
    copy = node.folder + "-copy"
    cluster.stop(3)
    shutil.copytree(node.folder, copy)
    cluster.start(3)
    trial.in_sync()
    trial.await_progress(30)
    for number in cluster.nodes:
        cluster.kill(number)
    shutil.rmtree(node.folder)
    shutil.copytree(copy, node.folder)
    cluster.start(3)
    cluster.start(1)
    cluster.start(2)
    until(lambda: not node.running, 30, "node 3 ends on its older copy")
    await_logged(node, "data directory of node 3 is an older copy of itself")
    until(lambda: any("node 3 is not let in" in log_of(cluster.nodes[n])
                      for n in (1, 2)), 10, "the controller says so too")
    cluster.start(4)
    cluster.start(5)
    trial.await_progress(60)
    cluster.start(3)
    until(lambda: not node.running, 30, "node 3 does not start on it again")
    await_logged(node, node.folder, "empty the directory")
    shutil.rmtree(node.folder)
    cluster.start(3)
    trial.in_sync()


CASES = {f.__name__: f for f in (
    other_cluster, same_number, others_directory, wrong_address,
    older_copy)}


def main():
    names = sys.argv[1:] or list(CASES)
    if any(name not in CASES for name in names):
        sys.exit(__doc__ + "\ncases: " + " ".join(CASES))
    with test_folder("bad-nodes") as folder:
        # The data of some partitions is on none of the first two.
        with Cluster(folder, 5, controllers=3) as cluster:
            trial = Trial(cluster, folder)
            for name in names:
                trial.in_sync()
                CASES[name](trial)
                print(f"ok   {name}", flush=True)
            trial.finish()


if __name__ == "__main__":
    main()
