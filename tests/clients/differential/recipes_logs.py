"""Requests on logs: producing, fetching, offsets, producers."""
import batches
from exceptions import kafka_failed
from pair import ANSWERED
from wire import ZERO_ID

PAST = 1_700_000_000_000
FUTURE = 4_000_000_000_000


def records_of(c, count):
    return [batches.record(
        i, c.rng.choice([None, b"", b"key"]),
        c.rng.choice([None, b"", b"value" * c.rng.choice([1, 9, 90])]),
        headers=[(b"h", b"1")] * c.rng.choice([0, 0, 1, 2]))
        for i in range(count)]


def wrong_batch(c):
    records = records_of(c, c.rng.choice([1, 2]))
    how = c.rng.choice([
        {"wrong_crc": 1}, {"magic": 1}, {"magic": 0}, {"magic": 3},
        {"count": 5}, {"count": 0}, {"count": -1}, {"last_delta": 7},
        {"last_delta": -1}, {"length_more": 1}, {"length_more": -1},
        {"length_more": 1 << 20}, {"base": 5}, {"attributes": 0x20},
        {"attributes": 7}, {"attributes": 0x80}, {"attributes": 2},
        {"attributes": 8}, {"max_time": 5}, {"leader_epoch": 9},
        {"producer": -1, "epoch": 0, "sequence": 0},
        {"producer": 5, "epoch": 0, "sequence": -1}])
    time = c.rng.choice([PAST, PAST, PAST, FUTURE, -2])
    data = batches.batch(records, time, **how)
    # No records at all (null) Kafka 4.3 never answers.
    return c.rng.choice([data] * 8 + [data[:-1], data[:30], b"",
                                      data + data])


def produce(c):
    topic = c.some_topic()
    partition = c.some_partition(topic)
    count = c.rng.choice([1, 1, 2, 5])
    attributes = c.rng.choice([0, 0, 0, 1])
    producer = {}
    kept = None
    if c.producers and c.rng.random() < 0.4:
        kept = c.rng.choice(c.producers)
        sequence = kept["next"].get((topic.id, partition), 0)
        producer = {"producer": kept["id"],
                    "epoch": kept["epoch"] + c.rng.choice([0] * 9 + [1]),
                    "sequence": batches.wrapped(max(0, sequence + c.rng.choice(
                        [0] * 6 + [1, -1, -count, 5, 2 ** 31 - 9])))}
    if c.rng.random() < 0.2:
        data = wrong_batch(c)
    else:
        data = batches.batch(records_of(c, count), PAST + c.names,
                             attributes=attributes, **producer)
    acks = c.rng.choice([-1, -1, -1, -1, 1, 1, 0, 2, -2])
    return send(c, topic, partition, data, acks, kept,
                batches.wrapped(producer.get("sequence", 0) + count))


def send(c, topic, partition, data, acks, kept, following):
    body = {"transactional_id": None, "acks": acks, "timeout_ms": 30000,
            "topic_data": [{"name": topic.name, "topic_id": topic.id,
                            "partition_data": [{"index": partition,
                                                "records": data}]}]}
    if acks == 0:
        return unanswered(c, topic, partition, body)
    answer = c.ask("produce", body, wrong=0.12)
    if answer.how != ANSWERED:
        return answer
    for part in (p for t in answer.body["responses"]
                 for p in t["partition_responses"]):
        at = part["index"]
        if part["error_code"] == 0 and 0 <= at < topic.partitions:
            c.settle_log(topic.name, at)
            topic.ends[at] = max(topic.ends[at], part["base_offset"] + 1)
            if kept:
                kept["next"][(topic.id, at)] = following
    return answer


def unanswered(c, topic, partition, body):
    """acks=0 has no answer: the next request's comes, or the end."""
    c.pair.asked += 1
    api = c.pair.apis["produce"]
    version = c.version("produce")
    c.pair.exchange(api, c.pair.frames(api, version, body, "d"), version,
                    answered=False)
    answer = c.ask("api_versions", {}, version=0, wrong=0)
    if partition < topic.partitions and topic.name in c.topics:
        c.settle_log(topic.name, max(partition, 0))
    return answer


def init_producer_id(c):
    fresh = c.rng.random() < 0.8 or not c.producers
    known = {"id": -1, "epoch": -1} if fresh else c.rng.choice(c.producers)
    answer = c.ask("init_producer_id", {
        "transactional_id": None,
        "transaction_timeout_ms": c.rng.choice([60000, 0, -1, 2 ** 31 - 1]),
        "producer_id": known["id"],
        "producer_epoch": known["epoch"]}, wrong=0)
    if answer.how == ANSWERED and answer.body["error_code"] == 0:
        c.producers.append({"id": answer.body["producer_id"],
                            "epoch": answer.body["producer_epoch"],
                            "next": {}})
    return answer


def fetch_partition(c, topic):
    partition = c.some_partition(topic)
    return {"partition": partition,
            "current_leader_epoch": c.rng.choice([-1, -1, -1, 0, 1, 5]),
            "fetch_offset": c.some_offset(topic, partition),
            "last_fetched_epoch": c.rng.choice([-1, -1, -1, 0]),
            "log_start_offset": c.rng.choice([-1, 0]),
            "partition_max_bytes": c.rng.choice(
                [1 << 20, 1 << 20, 1, 0, 200, -1])}


def fetch_body(c, topics, session=0, epoch=-1, forgotten=()):
    return {"replica_id": -1, "max_wait_ms": 0,
            "min_bytes": c.rng.choice([0, 1, 1, 1 << 20]),
            "max_bytes": c.rng.choice([1 << 25, 1 << 25, 1, 0, 300]),
            "isolation_level": c.rng.choice([0, 0, 1]),
            "session_id": session, "session_epoch": epoch,
            "topics": [{"topic": t.name, "topic_id": t.id, "partitions": [
                fetch_partition(c, t)
                for _ in range(c.rng.choice([1, 1, 2]))]} for t in topics],
            "forgotten_topics_data": [
                {"topic": t.name, "topic_id": t.id, "partitions": [0]}
                for t in forgotten]}


def fetch(c):
    topics = [c.some_topic() for _ in range(c.rng.choice([1, 1, 1, 2]))]
    return c.ask("fetch", fetch_body(c, topics), wrong=0.2)


def fetch_session(c):
    """A session from its beginning, with steps of every kind."""
    version = c.version("fetch", 7)
    topics = [c.some_topic(0.05)]
    first = c.ask("fetch", fetch_body(c, topics, 0, 0), version, wrong=0.05)
    if first.how != ANSWERED or not first.body["session_id"] \
            or kafka_failed(first.body, None):
        return
    session, epoch = first.body["session_id"], 1
    for _ in range(c.rng.choice([2, 4, 6])):
        what = c.rng.random()
        if what < 0.2:
            produce(c)
        more = [c.some_topic(0.05)] if c.rng.random() < 0.4 else []
        gone = c.rng.sample(topics, 1) if what > 0.85 else []
        topics += more
        at = epoch if c.rng.random() < 0.85 else c.rng.choice(
            [epoch + 1, 0, -1, epoch - 1])
        wanted = session if c.rng.random() < 0.95 else 12345
        answer = c.ask("fetch", fetch_body(c, more, wanted, at, gone),
                       version, wrong=0)
        # What Kafka remembers of a partition where it has failed is its own.
        if answer.how != ANSWERED or answer.body["error_code"] \
                or kafka_failed(answer.body, None):
            return
        if at in (0, -1):
            session = answer.body["session_id"]
            epoch = 0
            if not session:
                return
        epoch += 1


def list_offsets(c):
    topic = c.some_topic()
    # The largest timestamp Kafka also tells of a record that is deleted.
    largest = -1 if topic.shortened else -3
    # Nor is what is stable below where the log begins, but for Kafka.
    isolation = c.rng.choice([0, 0, 1])
    return c.ask("list_offsets", {
        "replica_id": c.rng.choice([-1, -1, -1, -2]),
        "isolation_level": 0 if topic.shortened else isolation,
        "topics": [{"name": topic.name, "partitions": [
            {"partition_index": c.some_partition(topic),
             "current_leader_epoch": c.rng.choice([-1, -1, 0, 1]),
             "timestamp": c.rng.choice([-1, -1, -2, -2, largest, -4, -5, -6, -7,
                                        PAST, PAST + c.names, 0, FUTURE])}
            for _ in range(c.rng.choice([1, 1, 2]))]}],
        "timeout_ms": 30000}, kept=("isolation_level",))


def offset_for_leader_epoch(c):
    topic = c.some_topic()
    return c.ask("offset_for_leader_epoch", {
        "replica_id": c.rng.choice([-1, -2]),
        "topics": [{"topic": topic.name, "partitions": [
            {"partition": c.some_partition(topic),
             "current_leader_epoch": c.rng.choice([-1, 0, 1]),
             "leader_epoch": c.rng.choice([0, 0, 1, -1, 99])}]}]})


def delete_records(c):
    topic = c.some_topic()
    partition = c.some_partition(topic)
    topic.shortened = True
    return c.ask("delete_records", {
        "topics": [{"name": topic.name, "partitions": [
            {"partition_index": partition,
             "offset": c.some_offset(topic, partition)}]}],
        "timeout_ms": 30000})


def describe_log_dirs(c):
    topic = c.some_topic()
    return c.ask("describe_log_dirs", {
        "topics": c.rng.choice([[], [{
            "topic": topic.name,
            "partitions": [c.some_partition(topic)]}]])})


def describe_quorum(c):
    return c.ask("describe_quorum", {
        "topics": c.rng.choice([
            [], [{"topic_name": "x",
                  "partitions": [{"partition_index": 0}]}],
            [{"topic_name": "__cluster_metadata",
              "partitions": [{"partition_index": 1}]}]])}, wrong=0.1)


def raft_voter(c):
    wrong = {"cluster_id": c.rng.choice(["other", ""]), "timeout_ms": 1000,
             "voter_id": 77, "voter_directory_id": ZERO_ID}
    return c.ask(c.rng.choice(["add_raft_voter", "remove_raft_voter"]), wrong,
                 wrong=0)


RECIPES = [
    (22, "produce", produce), (20, "fetch", fetch),
    (3, "fetch", fetch_session), (3, "init_producer_id", init_producer_id),
    (10, "list_offsets", list_offsets),
    (5, "offset_for_leader_epoch", offset_for_leader_epoch),
    (5, "delete_records", delete_records),
    (2, "describe_log_dirs", describe_log_dirs),
    (1, "describe_quorum", describe_quorum),
    (1, "add_raft_voter", raft_voter),
]
