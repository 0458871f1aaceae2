#!/usr/bin/env python3
"""Nodes with several log directories: logs are spread over them and move from
one to another under load; one directory may fail, and the rest goes on.

usage: log_dirs.py
"""
import os
import shutil
import threading

from confluent_kafka.admin import AdminClient, AlterConfigOpType
from confluent_kafka.admin import ConfigEntry, ConfigResource, ResourceType

from nodes import Cluster, check, test_folder, until, wire
from numbered import TOPIC, Reader, produce

ALTER_REPLICA_LOG_DIRS, DESCRIBE_LOG_DIRS = 34, 35
UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR, LOG_DIR_NOT_FOUND = 3, 56, 57
NOTHING = wire.i32(-1)  # of a list: all


def give_log_dirs(cluster, names):
    for node in cluster.nodes.values():
        node.log_dirs = [node.folder] + [f"{node.folder}-{name}"
                                         for name in names]


def describe(node):
    """{path: (error, {(topic, partition): size}, and those of copies)}"""
    with wire.Client(node.told_kafka, 10) as client:
        answer = client.request(DESCRIBE_LOG_DIRS, 1, NOTHING)
    answer.number("i")
    found = {}
    for _ in range(answer.number("i")):
        error, path = answer.number("h"), answer.string()
        logs, copies = {}, {}
        for _ in range(answer.number("i")):
            topic = answer.string()
            for _ in range(answer.number("i")):
                partition, size = answer.number("i"), answer.number("q")
                answer.number("q")
                into = copies if answer.number("b") else logs
                into[topic, partition] = size
        found[path] = (error, logs, copies)
    return found


def move(node, path, topic, partition):
    """The error code."""
    body = wire.array([wire.string(path) + wire.array(
        [wire.string(topic) + wire.array([wire.i32(partition)])])])
    with wire.Client(node.told_kafka, 10) as client:
        answer = client.request(ALTER_REPLICA_LOG_DIRS, 1, body)
    answer.number("i"), answer.number("i"), answer.string()
    answer.number("i"), answer.number("i")
    return answer.number("h")


def home(node, topic, partition):
    for path, (_, logs, _) in describe(node).items():
        if (topic, partition) in logs:
            return path
    return None


def await_move(node, path, partition=0):
    def moved():
        told = describe(node)
        return (TOPIC, partition) in told[path][1] and not any(
            copies for _, _, copies in told.values())
    until(moved, 60, f"{TOPIC}-{partition} is in {path}")


def check_folders(node, path, partition=0):
    """Nothing of it is left anywhere else."""
    name = f"{TOPIC}-{partition}"

    def left():
        return [os.path.join(folder, entry) for folder in node.log_dirs
                for entry in os.listdir(folder) if entry.startswith(name)]
    until(lambda: left() == [os.path.join(path, name)], 20,
          f"{name} is only in {path}")


class Writing:
    """Numbered records, one after the other, until it is ended."""

    def __init__(self, cluster):
        self.count, self.why = 0, None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.write, args=(cluster,))
        self.thread.start()

    def write(self, cluster):
        try:
            while not self.ended.is_set():
                produce(cluster, self.count, 500)
                self.count += 500
        except BaseException as why:  # told by end()
            self.why = why

    def end(self):
        self.ended.set()
        self.thread.join()
        if self.why:
            raise self.why
        return self.count


def read_all(cluster, count):
    reader = Reader(cluster, **{"check.crcs": True})
    reader.read_to(count, 60)
    reader.close()


def spread_and_moved(cluster):
    node = cluster.nodes[1]
    paths = node.log_dirs
    cluster.start_all()
    cluster.create_topic("spread", 9, 1)
    cluster.create_topic(TOPIC, 1, 1, segment_bytes=1 << 20)
    told = describe(node)
    check(list(told) == paths, f"the directories are told, not {list(told)}")
    counts = [len([name for name in logs if name[0] == "spread"])
              for _, logs, _ in told.values()]
    check(counts == [3, 3, 3], f"logs are spread evenly, not {counts}")
    print("ok   logs are spread over the directories", flush=True)

    check(move(node, "/nowhere", TOPIC, 0) == LOG_DIR_NOT_FOUND,
          "a directory that is not there is told")
    check(move(node, paths[1], "no-such", 0) == UNKNOWN_TOPIC_OR_PARTITION,
          "a topic that is not there is told")
    check(move(node, home(node, TOPIC, 0), TOPIC, 0) == 0,
          "a log may be moved to where it is")

    writing = Writing(cluster)
    for i in range(6):
        target = paths[i % len(paths)]
        until(lambda n=i: writing.count > 1000 * n or writing.why, 60,
              "records are written")
        check(move(node, target, TOPIC, 0) == 0, "a move begins")
        await_move(node, target)
    count = writing.end()
    check_folders(node, target)
    read_all(cluster, count)
    print(f"ok   a log is moved 6 times while {count} records come", flush=True)
    return count


def killed_while_moving(cluster, count):
    node = cluster.nodes[1]
    begin = home(node, TOPIC, 0)
    target = next(path for path in node.log_dirs if path != begin)
    set_rate(cluster, 1 << 20)
    check(move(node, target, TOPIC, 0) == 0, "a move begins")
    until(lambda: describe(node)[target][2].get((TOPIC, 0), 0) > 0, 20,
          "a copy grows")
    check(home(node, TOPIC, 0) == begin, "the log is where it was meanwhile")
    cluster.kill(1)
    cluster.start(1)
    cluster.await_brokers()
    check(home(node, TOPIC, 0) == begin, "a copy that is not whole is no log")
    set_rate(cluster, 1 << 40)
    await_move(node, target)
    check_folders(node, target)
    read_all(cluster, count)
    print("ok   a move goes on after the node was killed", flush=True)


def set_rate(cluster, rate):
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    resource = ConfigResource(ResourceType.BROKER, "1", incremental_configs=[
        ConfigEntry("replica.alter.log.dirs.io.max.bytes.per.second",
                    str(rate), incremental_operation=AlterConfigOpType.SET)])
    for outcome in admin.incremental_alter_configs([resource]).values():
        outcome.result(20)


def take_away(path):
    """Nothing can be made there, as on a disk that is not there."""
    os.rename(path, path + "-away")
    with open(path, "w", encoding="utf-8"):
        pass


def bring_back(path):
    os.remove(path)
    os.rename(path + "-away", path)


def directory_fails(cluster, count):
    node = cluster.nodes[1]
    bad = node.log_dirs[-1]
    check(move(node, node.log_dirs[0], TOPIC, 0) == 0, "a move begins")
    await_move(node, node.log_dirs[0])
    inside = [name for name in describe(node)[bad][1] if name[0] == "spread"]
    cluster.stop(1)
    take_away(bad)
    cluster.start(1)
    cluster.await_brokers()
    told = describe(node)
    check(told[bad][0] == KAFKA_STORAGE_ERROR, "the directory's error is told")
    check([told[path][0] for path in node.log_dirs[:-1]] == [0, 0],
          "the others have none")
    produce(cluster, count, 100)
    read_all(cluster, count + 100)
    for topic, partition in inside:
        check(home(node, topic, partition) is None,
              "what is there is made nowhere else")
    check(move(node, bad, TOPIC, 0) == KAFKA_STORAGE_ERROR,
          "nothing moves there")
    cluster.create_topic("fresh", 2, 1)
    check(home(node, "fresh", 0) and home(node, "fresh", 1),
          "new logs are made in the others")
    cluster.stop(1)
    bring_back(bad)
    cluster.start(1)
    cluster.await_brokers()
    for topic, partition in inside:
        check(home(node, topic, partition) == bad, "it is there again")
    print("ok   one directory fails, and the rest goes on", flush=True)


def directory_is_lost(cluster):
    """Of three nodes, each with two: what was in it is fetched again."""
    give_log_dirs(cluster, ["b"])
    cluster.start_all()
    cluster.create_topic(TOPIC, 4, 3)
    cluster.await_in_sync(TOPIC, 4, 3)
    produce(cluster, 0, 1000)
    node = cluster.nodes[1]
    bad = node.log_dirs[1]
    inside = sorted(p for topic, p in describe(node)[bad][1] if topic == TOPIC)
    check(len(inside) == 2, f"two of four logs are in {bad}, not {inside}")
    if home(node, TOPIC, 0) != bad:
        check(move(node, bad, TOPIC, 0) == 0, "a move begins")
        await_move(node, bad)
    cluster.stop(1)
    take_away(bad)
    cluster.start(1)
    cluster.await_brokers()
    produce(cluster, 1000, 1000)
    check(1 not in cluster.partition(TOPIC, 0)["isr"],
          "what is in a directory that has failed is not in sync")
    outside = next(i for i in range(4) if home(node, TOPIC, i))
    until(lambda: 1 in cluster.partition(TOPIC, outside)["isr"], 30,
          "what is in another one is")
    cluster.stop(1)
    bring_back(bad)
    cluster.start(1)
    cluster.await_in_sync(TOPIC, 4, 3)
    print("ok   replicas come back with their directory", flush=True)

    cluster.stop(1)
    shutil.rmtree(bad)
    cluster.start(1)
    cluster.await_in_sync(TOPIC, 4, 3)
    produce(cluster, 2000, 500)
    cluster.kill(2)
    cluster.kill(3)
    cluster.start(2)
    cluster.await_in_sync(TOPIC, 4, 2)
    read_all(cluster, 2500)
    print("ok   a directory is lost, and fetched again from others", flush=True)


def main():
    with test_folder("log-dirs") as folder:
        with Cluster(os.path.join(folder, "one"), 1) as cluster:
            os.mkdir(cluster.folder)
            give_log_dirs(cluster, ["b", "c"])
            count = spread_and_moved(cluster)
            killed_while_moving(cluster, count)
            directory_fails(cluster, count)
        with Cluster(os.path.join(folder, "three")) as cluster:
            os.mkdir(cluster.folder)
            directory_is_lost(cluster)


if __name__ == "__main__":
    main()
