"""What the drivers share that measure with librdkafka: a Millrace and a Kafka
of one node, which take turns in one run, and the page of what was seen."""
import argparse
import os
import sys
import tempfile

import built
import results
from confluent_kafka.admin import AdminClient, NewTopic
from servers import Kafka, Millrace

NAMES = ("millrace", "kafka")


def options(about):
    """A parser of what all of them are told."""
    arguments = argparse.ArgumentParser(description=about)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--only", choices=NAMES)
    return arguments


def make_topic(port, topic, partitions):
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"})
    for made in admin.create_topics(
            [NewTopic(topic, partitions, 1)]).values():
        made.result(60)


def take_turns(told, measure, settings=None):
    """What `measure(run, server)` yields of each server in each run, pairs of
    a load and its figures: lists of figures by load and the server's name."""
    classpath = os.path.join(os.environ["MILLRACE_CLIENTS"], "java.classpath")
    seen = {}
    for run in range(told.runs):
        with tempfile.TemporaryDirectory() as folder:
            for server in (Millrace(os.environ["MILLRACE_BINARY"], folder,
                                    settings),
                           Kafka(classpath, folder, settings=settings)):
                if told.only not in (None, server.name):
                    continue
                with server:
                    server.start()
                    for load, found in measure(run, server):
                        seen.setdefault((load, server.name), []).append(found)
                        print(server.name, load, *map("{:.3g}".format, found),
                              file=sys.stderr, flush=True)
    return seen


def both(seen, load, figure):
    """The figure of that number, run by run: Millrace's, Kafka's."""
    return ([found[figure] for found in seen[load, name]] for name in NAMES)


def write(page, title, lines):
    """bench/PAGE, below the lines that say what was measured where."""
    program = os.path.basename(sys.argv[0])
    head = results.head(built.ROOT, tempfile.gettempdir(), title, program)
    with open(os.path.join(built.ROOT, "bench", page), "w") as file:
        file.write("\n".join([*head, *lines]) + "\n")
