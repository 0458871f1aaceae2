"""Requests of transactions: of producers, of coordinators, of administrators."""

import batches
from chapter import INTERNAL
from pair import ANSWERED
from recipes_groups import at_generation, forget_refused, refused_part, \
    some_group, some_member
from recipes_logs import PAST, records_of

# No transaction ends because the machine is busy.
LONG_MS = 800_000
UNDER_WAY = ("PrepareCommit", "PrepareAbort", "PrepareEpochFence")
TRANSACTIONAL = 0x10


class Transaction:
    """A transactional id with its producer."""

    def __init__(self, name, producer, epoch):
        self.name, self.id, self.epoch = name, producer, epoch
        self.partitions = set()  # (topic, partition) that were added
        self.next = {}  # (topic id, partition): sequence
        self.refused_epochs = set()  # (topic id, partition)
        self.may_be_open = False


def some_transaction(c, wrong=0.08):
    if not c.transactions or c.rng.random() < wrong:
        return Transaction(c.rng.choice([c.prefix + "absent", "", "x" * 260]),
                           c.rng.choice([-1, 0, 987654321]), 0)
    return c.transactions[c.rng.choice(sorted(c.transactions))]


def settle_transaction(c, name, more=()):
    """Until the markers of what has ended are written, on both sides; nor is
    it in one of the states `more`."""
    c._both_until(
        "describe_transactions", 0, {"transactional_ids": [name]},
        lambda body: body["transaction_states"][0]["transaction_state"]
        not in UNDER_WAY + more)


def settle_partitions(c, transaction):
    """What a marker has made visible is the same on both sides."""
    for topic, partition in sorted(transaction.partitions):
        c.settle_log(topic, partition)


def init(c):
    """A new transactional id, or a known one whose producer comes back."""
    known = None
    if c.transactions and c.rng.random() < 0.5:
        known = some_transaction(c, 0)
    name = known.name if known else c.name("x")
    asks_more = c.rng.random() < 0.4
    body = {"transactional_id": name,
            "transaction_timeout_ms": c.rng.choice(
                [LONG_MS] * 8 + [0, -1, 2 ** 31 - 1]),
            "producer_id": known.id if known and asks_more else -1,
            # A zombie can abort its successor's transaction in Kafka, not here.
            "producer_epoch": known.epoch + c.rng.choice(
                [0] if known.may_be_open else [0, 0, 0, -1, 1])
            if known and asks_more else -1}
    version = c.version("init_producer_id")
    answer = c.ask("init_producer_id", body, version, wrong=0.1,
                   kept=("producer_id", "producer_epoch"))
    name = c.asked["transactional_id"]
    if not isinstance(name, str) or answer.how != ANSWERED:
        return
    if answer.body["error_code"] == 51:  # CONCURRENT_TRANSACTIONS
        settle_transaction(c, name, ("Ongoing",))
        if known:
            settle_partitions(c, known)
        answer = c.ask("init_producer_id", c.asked, version, wrong=0)
    if answer.how != ANSWERED or answer.body["error_code"]:
        return
    if name:
        c.transactions[name] = Transaction(
            name, answer.body["producer_id"], answer.body["producer_epoch"])


def epoch_of(c, transaction):
    return transaction.epoch + c.rng.choice([0] * 12 + [1, -1])


def some_partitions(c):
    """Topics, each with partitions, as both forms of a request name them."""
    topics = []
    for _ in range(c.rng.choice([1, 1, 2])):
        topic = c.some_topic()
        if all(t["name"] != topic.name for t in topics):
            topics.append({"name": topic.name, "partitions": sorted({
                c.some_partition(topic)
                for _ in range(c.rng.choice([1, 1, 2]))})})
    return topics


def note_added(transaction, results):
    transaction.may_be_open = True  # also by a topic without partitions
    for topic in results:
        for part in topic["results_by_partition"]:
            if part["partition_error_code"] == 0:
                transaction.partitions.add(
                    (topic["name"], part["partition_index"]))


def add_partitions(c):
    transaction = some_transaction(c)
    topics = some_partitions(c)
    version = c.version("add_partitions_to_txn")
    if version > 3 and c.rng.random() < 0.5:
        version = 3  # what clients send; brokers have later ones
    epoch = epoch_of(c, transaction)
    answer = c.ask("add_partitions_to_txn", {
        "v3_and_below_transactional_id": transaction.name,
        "v3_and_below_producer_id": transaction.id,
        "v3_and_below_producer_epoch": epoch,
        "v3_and_below_topics": topics,
        "transactions": [{"transactional_id": transaction.name,
                          "producer_id": transaction.id,
                          "producer_epoch": epoch,
                          "verify_only": c.rng.random() < 0.4,
                          "topics": topics}]}, version, wrong=0.15,
        kept=("transactions",))  # of none at all Kafka says nothing
    if answer.how == ANSWERED:
        if version <= 3:
            note_added(transaction,
                       answer.body["results_by_topic_v3_and_below"])
        for result in answer.body.get("results_by_transaction", []):
            note_added(transaction, result["topic_results"])
    return answer


def produce(c):
    """Transactional batches, mostly to partitions that were added."""
    transaction = some_transaction(c)
    version = c.version("produce")
    topic = c.some_topic()
    partition = c.some_partition(topic)
    if transaction.partitions and c.rng.random() < 0.8:
        name, partition = c.rng.choice(sorted(transaction.partitions))
        topic = c.topics.get(name, topic)
    count = c.rng.choice([1, 1, 2])
    at = (topic.id, partition)
    # Where a leader knows nothing of a producer, ours takes any beginning (R13).
    wrong = c.rng.choice([0] * 8 + [1, -1, -count])
    sequence = transaction.next[at] + wrong if at in transaction.next else 0
    epoch = epoch_of(c, transaction)
    # Of a batch whose epoch the coordinator refuses, Kafka's leader keeps the
    # sequence: all that comes later is out of order.
    if at in transaction.refused_epochs:
        return
    if epoch > transaction.epoch:
        transaction.refused_epochs.add(at)
    data = batches.batch(
        records_of(c, count), PAST + c.names, attributes=TRANSACTIONAL,
        # A transaction without a producer Kafka takes for none; we refuse it.
        producer=max(transaction.id, 0), epoch=epoch,
        sequence=max(0, sequence))
    answer = c.ask("produce", {
        "transactional_id": c.rng.choice(
            [transaction.name] * 12 + [None, c.prefix + "other"]),
        "acks": c.rng.choice([-1, -1, -1, -1, -1, 1]), "timeout_ms": 30000,
        "topic_data": [{"name": topic.name, "topic_id": topic.id,
                        "partition_data": [{"index": partition,
                                            "records": data}]}]},
        version, wrong=0.08)
    if answer.how != ANSWERED:
        return
    if any(t["name"] in INTERNAL for t in c.asked["topic_data"] or []):
        # Kafka adds the partition before it refuses the batch.
        c.transactions.pop(transaction.name, None)
        return
    for part in (p for t in answer.body["responses"]
                 for p in t["partition_responses"]):
        index = part["index"]
        if part["error_code"] == 0 and 0 <= index < topic.partitions:
            c.settle_log(topic.name, index)
            topic.ends[index] = max(topic.ends[index],
                                    part["base_offset"] + count)
            transaction.next[topic.id, index] = sequence + count
            transaction.partitions.add((topic.name, index))
            transaction.may_be_open = True


def add_offsets(c):
    transaction = some_transaction(c)
    group = some_group(c)
    if c.rng.random() < 0.3:
        group = type(group)(c.name("offsets"))
        c.groups[group.name] = group
    answer = c.ask("add_offsets_to_txn", {
        "transactional_id": transaction.name, "producer_id": transaction.id,
        "producer_epoch": epoch_of(c, transaction), "group_id": group.name},
        wrong=0.15)
    if answer.how == ANSWERED and answer.body["error_code"] == 0:
        transaction.may_be_open = True
    if answer.how == ANSWERED and answer.body["error_code"] == 0 \
            and c.rng.random() < 0.8:
        commit_offsets(c, transaction, group)


def commit_offsets(c, transaction=None, group=None):
    transaction = transaction or some_transaction(c)
    group = group or some_group(c)
    member = some_member(c, group, 0.4)
    topic = c.some_topic()
    simple = not group.members or c.rng.random() < 0.5
    answer = c.ask("txn_offset_commit", {
        "transactional_id": transaction.name, "group_id": group.name,
        "producer_id": transaction.id,
        "producer_epoch": epoch_of(c, transaction),
        "generation_id": -1 if simple else at_generation(c, group),
        "member_id": "" if simple else member["id"],
        "group_instance_id": None if simple else member["instance"],
        "topics": [{"name": topic.name, "partitions": [
            {"partition_index": c.some_partition(topic),
             "committed_offset": c.rng.choice([0, 3, 9, -1]),
             "committed_leader_epoch": c.rng.choice([-1, 0]),
             "committed_metadata": c.rng.choice(["", "m", None, "m" * 4097])}
            for _ in range(c.rng.choice([1, 1, 2]))]}]}, wrong=0.1)
    if refused_part(answer):
        forget_refused(c)


def end(c):
    transaction = some_transaction(c)
    answer = c.ask("end_txn", {
        "transactional_id": transaction.name, "producer_id": transaction.id,
        "producer_epoch": epoch_of(c, transaction),
        "committed": c.rng.random() < 0.6}, wrong=0.1)
    if answer.how != ANSWERED:
        return
    name = c.asked["transactional_id"]
    settle_transaction(c, name if isinstance(name, str) else transaction.name)
    settle_partitions(c, transaction)
    if answer.body["error_code"] == 0:
        transaction.partitions.clear()
        transaction.may_be_open = False
        if answer.body.get("producer_id", -1) >= 0:
            if answer.body["producer_id"] != transaction.id \
                    or answer.body["producer_epoch"] != transaction.epoch:
                transaction.next.clear()
            transaction.id = answer.body["producer_id"]
            transaction.epoch = answer.body["producer_epoch"]


def write_markers(c):
    """What coordinators send to leaders: here out of turn."""
    transaction = some_transaction(c)
    # Of what is named twice in one Kafka waits for ever.
    topics = [{"name": t["name"],
               "partition_indexes": sorted(set(t["partitions"]))}
              for t in some_partitions(c)]
    # Never in a later epoch, of the producer or the coordinator: where a leader
    # has heard of one, a transaction does not end any more, here and there.
    answer = c.ask("write_txn_markers", {"markers": [{
        "producer_id": transaction.id,
        "producer_epoch": transaction.epoch - c.rng.choice([0] * 12 + [1]),
        "transaction_result": c.rng.random() < 0.5, "topics": topics,
        "coordinator_epoch": c.rng.choice([0, 0, 0, -1]),
        "transaction_version": c.rng.choice([0, 1, 2])}]}, wrong=0.1,
        kept=("producer_id", "producer_epoch", "coordinator_epoch",
              "topics", "partition_indexes"))
    for topic in topics:
        for partition in topic["partition_indexes"]:
            if topic["name"] in c.topics:
                c.settle_log(topic["name"], partition)
    return answer


def describe(c):
    return c.ask("describe_transactions", {"transactional_ids": [
        some_transaction(c, 0.2).name
        for _ in range(c.rng.choice([1, 1, 2, 0]))]})


def list_transactions(c):
    return c.ask("list_transactions", {
        "state_filters": c.rng.choice(
            [[], [], ["Ongoing"], ["CompleteCommit", "CompleteAbort"],
             ["Empty", "Nonsense"], ["ongoing"], ["Dead"]]),
        "producer_id_filters": c.rng.choice(
            [[], [], [some_transaction(c).id], [-1]]),
        "duration_filter": c.rng.choice([-1, -1, 0, 2 ** 40]),
        "transactional_id_pattern": c.rng.choice(
            [None, None, "", c.prefix + ".*", ".*1", "[", "x+"])})


def describe_producers(c):
    topic = c.some_topic()
    return c.ask("describe_producers", {"topics": [{
        "name": topic.name, "partition_indexes": [
            c.some_partition(topic)
            for _ in range(c.rng.choice([1, 1, 2]))]}]})


def quiesce(c):
    """No transaction stays open on either side."""
    api = c.pair.apis["init_producer_id"]
    sides = c.pair.quiet(c.pair.apis["list_transactions"], 0, {
        "state_filters": ["Ongoing", *UNDER_WAY]})
    names = {one["transactional_id"] for side in sides
             for one in side.body["transaction_states"]}
    for name in sorted(names):
        body = {"transactional_id": name, "transaction_timeout_ms": LONG_MS}
        c.pair.quiet(api, 2, body)  # which aborts
        settle_transaction(c, name, ("Ongoing",))
        c.pair.quiet(api, 2, body)


RECIPES = [
    (5, "init_producer_id", init), (8, "add_partitions_to_txn", add_partitions),
    (8, "produce", produce), (4, "add_offsets_to_txn", add_offsets),
    (3, "txn_offset_commit", commit_offsets), (6, "end_txn", end),
    (1, "write_txn_markers", write_markers),
    (4, "describe_transactions", describe),
    (3, "list_transactions", list_transactions),
    (4, "describe_producers", describe_producers),
]
