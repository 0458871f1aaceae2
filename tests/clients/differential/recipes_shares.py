"""Requests of share groups (KIP-932) that need no member: of administrators,
of coordinators, and of members whose group does not know them."""
from wire import ZERO_ID


def some_share_group(c):
    return c.rng.choice([c.prefix + "share", c.prefix + "share2", "",
                         *sorted(c.groups)[:2], "x" * 300])


def heartbeat(c):
    """Of nobody: who joins, and when it is assigned what, is not compared."""
    return c.ask("share_group_heartbeat", {
        "group_id": some_share_group(c),
        "member_id": c.rng.choice(["nobody", "", "x" * 36, "x" * 37]),
        "member_epoch": c.rng.choice([-1, 1, 7, -2, -3]),
        "subscribed_topic_names": c.rng.choice(
            [None, [], [c.some_topic().name]])}, wrong=0.1,
        kept=("member_epoch", "group_id"))


def describe(c):
    return c.ask("share_group_describe", {
        "group_ids": [some_share_group(c)
                      for _ in range(c.rng.choice([1, 1, 2, 0]))],
        "include_authorized_operations": c.rng.random() < 0.3})


def describe_offsets(c):
    """Kafka fails inside where a topic comes without partitions, with negative
    ones, or in a group without a name."""
    topic = c.some_topic()
    return c.ask("describe_share_group_offsets", {
        "groups": [{"group_id": some_share_group(c) or "x",
                    "topics": c.rng.choice(
                        [None, [], [{"topic_name": topic.name, "partitions": [
                            max(0, c.some_partition(topic))]}]])}
                   for _ in range(c.rng.choice([1, 1, 2, 0]))]}, wrong=0)


def alter_offsets(c):
    """Of partitions that are there: Kafka makes a group also for none."""
    if not c.topics:
        return None
    topic = c.topics[c.rng.choice(sorted(c.topics))]
    return c.ask("alter_share_group_offsets", {
        "group_id": some_share_group(c), "topics": [{
            "topic_name": topic.name, "partitions": [
                {"partition_index": c.rng.randrange(topic.partitions),
                 "start_offset": c.rng.choice([0, 1, 2])}]}]},
        kept=("partition_index", "start_offset", "topic_name", "topics", "partitions"))


def delete_offsets(c):
    return c.ask("delete_share_group_offsets", {
        "group_id": some_share_group(c),
        "topics": [{"topic_name": c.some_topic().name}
                   for _ in range(c.rng.choice([1, 1, 2, 0]))]})


def fetch(c):
    topic = c.some_topic()
    return c.ask("share_fetch", {
        "group_id": some_share_group(c),
        "member_id": c.rng.choice(["nobody", "", "m" * 36]),
        "share_session_epoch": c.rng.choice([-1, 1, 5]),
        "max_wait_ms": 0, "min_bytes": 0, "max_records": 10,
        "batch_size": 10, "topics": [{
            "topic_id": topic.id, "partitions": [
                {"partition_index": c.some_partition(topic)}]}]}, wrong=0.1,
        kept=("share_session_epoch",))


def acknowledge(c):
    topic = c.some_topic()
    return c.ask("share_acknowledge", {
        "group_id": some_share_group(c),
        "member_id": c.rng.choice(["nobody", "", "m" * 36]),
        "share_session_epoch": c.rng.choice([-1, 0, 1, 5]),
        "topics": [{"topic_id": topic.id, "partitions": [
            {"partition_index": c.some_partition(topic),
             "acknowledgement_batches": [
                 {"first_offset": 0, "last_offset": 0,
                  "acknowledge_types": [c.rng.choice([1, 2, 3, 0, 9])]}]}]}]},
        wrong=0.1, kept=("share_session_epoch",))


def read_state(c):
    topic = c.rng.choice([c.some_topic().id, ZERO_ID])
    name = c.rng.choice(["read_share_group_state",
                         "read_share_group_state_summary"])
    return c.ask(name, {
        "group_id": some_share_group(c), "topics": [{
            "topic_id": topic, "partitions": [
                {"partition": c.rng.choice([0, -1, 3]),
                 "leader_epoch": c.rng.choice([0, -1, 2])}]}]}, wrong=0.1)


RECIPES = [
    (2, "share_group_heartbeat", heartbeat), (2, "share_group_describe",
                                              describe),
    (2, "describe_share_group_offsets", describe_offsets),
    (1, "alter_share_group_offsets", alter_offsets),
    (1, "delete_share_group_offsets", delete_offsets),
    (1, "share_fetch", fetch), (1, "share_acknowledge", acknowledge),
    (1, "read_share_group_state", read_state),
]
