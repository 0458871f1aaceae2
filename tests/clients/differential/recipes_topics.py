"""Requests on topics, their configurations, and the cluster."""
from wire import ZERO_ID

VALUES = {
    "max.message.bytes": ["100000", "1048588", "0", "-1", "x"],
    "message.timestamp.type": ["CreateTime", "LogAppendTime", "Other"],
    # Not 2: of one replica Kafka asks for no more than that, which R4 does.
    "min.insync.replicas": ["1", "1", "0"],
    "compression.type": ["producer", "gzip", "zstd", "snappy", "uncompressed",
                         "brotli"],
    "segment.bytes": ["1048576", "10485760", "100", "2147483648"],
    "retention.bytes": ["-1", "1000000000", "-2"],
    "retention.ms": ["-1", "9223372036854775807", "-2", "1.5"],
    "cleanup.policy": ["delete", "compact", "compact,delete", "", "shrink"],
    "delete.retention.ms": ["86400000", "0", "-1"],
    "min.compaction.lag.ms": ["0", "9223372036854775807", "-1"],
    # Not short: what is written an hour ago would begin a new segment.
    "max.compaction.lag.ms": ["9223372036854775807", "9223372036854775806",
                              "0"],
    "min.cleanable.dirty.ratio": ["0.5", "1", "0", "1.1", "x", "5e-1"],
    "flush.messages": ["1", "9223372036854775807", "0"],
    "unclean.leader.election.enable": ["true", "false", "TRUE", "maybe"],
    "segment.ms": ["9223372036854775807", "0"],
    "index.interval.bytes": ["4096", "-1"],
    "no.such.config": ["1"],
    "preallocate": ["false", " true "],
    "file.delete.delay.ms": ["60000", "0", "-1"],
    "message.timestamp.after.max.ms": ["3600000", "-1"],
    "leader.replication.throttled.replicas": ["", "*", "0:1", "bad"],
}


def some_config(c):
    name = c.rng.choice(sorted(VALUES))
    # The first values are right ones.
    values = VALUES[name]
    return name, values[0] if c.rng.random() < 0.6 else c.rng.choice(values)


def configs(c):
    return [{"name": n, "value": v} for n, v in
            (some_config(c) for _ in range(c.rng.choice([0, 0, 0, 1, 1, 2])))]


def create_topics(c):
    if len(c.topics) > 8 and c.rng.random() < 0.8:
        return delete_topics(c)
    name = c.name("t") if c.rng.random() < 0.85 else c.some_topic().name
    topic = {"name": name,
             "num_partitions": c.rng.choice([1, 1, 2, 3, 3, -1, 0, -2]),
             "replication_factor": c.rng.choice([1, 1, 1, 1, -1, 2, 0]),
             "configs": configs(c)}
    if c.rng.random() < 0.1:
        topic.update(num_partitions=-1, replication_factor=-1)
        topic["assignments"] = [
            {"partition_index": p, "broker_ids": c.rng.choice(
                [[c.node], [c.node], [c.node + 7], [], [c.node, c.node]])}
            for p in c.rng.choice([[0], [0, 1], [1], [0, 0], [0, 2]])]
    return c.ask("create_topics", {
        "topics": [topic] * c.rng.choice([1] * 12 + [2, 0]),
        "timeout_ms": 30000, "validate_only": c.rng.random() < 0.15})


def delete_topics(c):
    topic = c.some_topic(0.2)
    by_id = c.rng.random() < 0.5
    return c.ask("delete_topics", {
        "topics": [{"name": None if by_id else topic.name,
                    "topic_id": topic.id if by_id else ZERO_ID}],
        "topic_names": [topic.name] * c.rng.choice([1] * 9 + [2]),
        "timeout_ms": 30000})


def create_partitions(c):
    topic = c.some_topic()
    count = topic.partitions + c.rng.choice([1, 1, 0, -1, -100])
    assignments = None
    if c.rng.random() < 0.2:
        assignments = [{"broker_ids": c.rng.choice(
            [[c.node], [c.node + 5], [], [c.node, c.node]])}
            for _ in range(c.rng.choice([0, 1, 1, 2]))]
    return c.ask("create_partitions", {
        "topics": [{"name": topic.name, "count": count,
                    "assignments": assignments}] * c.rng.choice([1, 1, 1, 2]),
        "timeout_ms": 30000, "validate_only": c.rng.random() < 0.2})


def metadata(c):
    some = [c.some_topic() for _ in range(c.rng.choice([0, 1, 1, 2]))]
    topics = [{"name": t.name, "topic_id": ZERO_ID} if c.rng.random() < 0.6
              else {"name": None, "topic_id": t.id} for t in some]
    version = c.version("metadata")
    if version < 10:
        topics = [{"name": t.name} for t in some]
    return c.ask("metadata", {
        "topics": None if c.rng.random() < 0.15 and version else topics,
        "allow_auto_topic_creation": False,
        "include_cluster_authorized_operations": c.rng.random() < 0.3,
        "include_topic_authorized_operations": c.rng.random() < 0.3},
        version=version if version >= 4 else c.version("metadata", 4),
        wrong=0.25)


def describe_topic_partitions(c):
    names = [c.some_topic().name for _ in range(c.rng.choice([1, 2, 3]))]
    cursor = None
    if c.rng.random() < 0.3:
        cursor = {"topic_name": c.rng.choice(names),
                  "partition_index": c.rng.choice([0, 1, -1])}
    return c.ask("describe_topic_partitions", {
        "topics": [{"name": n} for n in names],
        "response_partition_limit": c.rng.choice([2000, 1, 2, 0, -1]),
        # At the greatest number Kafka's counter overflows.
        "cursor": cursor}, kept=("partition_index",))


def resource(c):
    kind = c.rng.choice([2] * 10 + [0, 1, 3])
    name = c.some_topic().name if kind == 2 else c.rng.choice(
        [str(c.node), "", "99", "x"])
    return {"resource_type": kind, "resource_name": name}


def describe_configs(c):
    found = resource(c)
    keys = c.rng.sample(sorted(VALUES), c.rng.choice([1, 2, 5]))
    if found["resource_type"] == 2 and c.rng.random() < 0.3:
        keys = None
    if c.rng.random() < 0.05:
        keys = []
    return c.ask("describe_configs", {
        "resources": [{**found, "configuration_keys": keys}],
        "include_synonyms": c.rng.random() < 0.5,
        "include_documentation": c.rng.random() < 0.2}, wrong=0.2)


def alter_configs(c):
    return c.ask("alter_configs", {
        "resources": [{**resource(c), "configs": configs(c)}],
        "validate_only": c.rng.random() < 0.3},
        # Of what comes twice Kafka may say nothing; of a broker it takes any
        # key, known or not.
        kept=("resources", "resource_type"))


def incremental_alter_configs(c):
    change = [{**config, "config_operation": c.rng.choice(
        [0, 0, 0, 1, 1, 2, 3, 4, -1])} for config in configs(c)]
    # At one that it does not know Kafka stumbles, if it comes so far.
    change = [x for x in change if x["config_operation"] in (4, -1)][:1] \
        or change
    return c.ask("incremental_alter_configs", {
        "resources": [{**resource(c), "configs": change}]
        * c.rng.choice([1] * 9 + [2]),
        "validate_only": c.rng.random() < 0.3}, kept=("resource_type",))


def list_config_resources(c):
    return c.ask("list_config_resources", {
        "resource_types": c.rng.choice([[], [2], [2], [16], [4], [99], [0]])},
        wrong=0.1)


def describe_cluster(c):
    return c.ask("describe_cluster", {
        "include_cluster_authorized_operations": c.rng.random() < 0.5,
        "endpoint_type": c.rng.choice([1, 1, 1, 2, 0]),
        "include_fenced_brokers": c.rng.random() < 0.3})


def api_versions(c):
    return c.ask("api_versions", {
        "client_software_name": c.rng.choice(["a", "a-b.c", "", "-a", "a b"]),
        "client_software_version": c.rng.choice(["1.0", "", "1"])})


def elect_leaders(c):
    topic = c.some_topic()
    return c.ask("elect_leaders", {
        "election_type": c.rng.choice([0, 0, 1, 2, -1]),
        "topic_partitions": [{"topic": topic.name, "partitions": [
            c.some_partition(topic) for _ in range(c.rng.choice([1, 2]))]}],
        "timeout_ms": 30000})


def reassign(c):
    topic = c.some_topic()
    return c.ask("alter_partition_reassignments", {
        "timeout_ms": 30000,
        "allow_replication_factor_change": c.rng.random() < 0.7,
        "topics": [{"name": topic.name, "partitions": [
            {"partition_index": c.some_partition(topic),
             "replicas": c.rng.choice([[c.node], [c.node], None, [],
                                       [c.node + 9], [c.node, c.node],
                                       [-1]])}]}]})


def list_reassignments(c):
    topic = c.some_topic()
    return c.ask("list_partition_reassignments", {
        "timeout_ms": 30000,
        "topics": c.rng.choice([None, [], [
            {"name": topic.name,
             "partition_indexes": [c.some_partition(topic)]}]])})


def unregister_broker(c):
    return c.ask("unregister_broker", {
        "broker_id": c.rng.choice([99, -1, 2 ** 31 - 1])}, wrong=0.1)


RECIPES = [
    (6, "create_topics", create_topics), (3, "delete_topics", delete_topics),
    (3, "create_partitions", create_partitions), (10, "metadata", metadata),
    (5, "describe_topic_partitions", describe_topic_partitions),
    (8, "describe_configs", describe_configs),
    (3, "alter_configs", alter_configs),
    (5, "incremental_alter_configs", incremental_alter_configs),
    (2, "list_config_resources", list_config_resources),
    (3, "describe_cluster", describe_cluster),
    (4, "api_versions", api_versions), (3, "elect_leaders", elect_leaders),
    (2, "alter_partition_reassignments", reassign),
    (2, "list_partition_reassignments", list_reassignments),
    (1, "unregister_broker", unregister_broker),
]
