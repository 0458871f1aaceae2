"""What "the same answer" means: exactly the same, but for what each server
must choose by itself, and for the exceptions in exceptions.py.

What is chosen is not left out: whatever one server calls by one name must be
one name of the other's too, in all answers.
"""
import time

import batches
from exceptions import EXCEPTIONS

# Field -> what it names. A value of one server stands for one of the other.
CHOSEN = {"topic_id": "topic", "member_id": "member", "leader": "member",
          "producer_id": "producer", "session_id": "session",
          "v3_and_below_producer_id": "producer",
          "producer_id_filters": "producer", "batch_producer": "producer",
          "cluster_id": "cluster", "port": "port", "log_dir": "directory",
          "replica_directory_id": "directory", "controller_port": "port"}
# What has no identity: it must be equal.
NOBODY = (None, "", -1, bytes(16))
# Lists whose order says nothing, and what to sort them by.
UNORDERED = {
    "metadata.topics": ("name",), "metadata.topics.partitions":
    ("partition_index",), "metadata.brokers": ("node_id",),
    "list_groups.groups": ("group_id",),
    "share_group_describe.groups": ("group_id",),
    "describe_share_group_offsets.groups": ("group_id",),
    "read_share_group_state.results.partitions": ("partition",),
    "read_share_group_state_summary.results.partitions": ("partition",),
    "create_topics.topics": ("name",),
    "create_topics.topics.configs": ("name",),
    "delete_topics.responses": ("name", "error_code"),
    "describe_configs.results": ("resource_type", "resource_name"),
    "describe_configs.results.configs": ("name",),
    "alter_configs.responses": ("resource_type", "resource_name"),
    "incremental_alter_configs.responses": ("resource_type", "resource_name"),
    "create_partitions.results": ("name",),
    "delete_groups.results": ("group_id",),
    "describe_groups.groups": ("group_id",),
    "describe_groups.groups.members": ("client_id", "group_instance_id"),
    "join_group.members": ("group_instance_id", "metadata"),
    "delete_records.topics": ("name",),
    "delete_records.topics.partitions": ("partition_index",),
    "list_offsets.topics": ("name",),
    "list_offsets.topics.partitions": ("partition_index",),
    "offset_fetch.topics": ("name",),
    "offset_fetch.topics.partitions": ("partition_index",),
    "offset_fetch.groups.topics": ("name",),
    "offset_fetch.groups.topics.partitions": ("partition_index",),
    "offset_commit.topics": ("name",),
    "offset_for_leader_epoch.topics": ("topic",),
    "offset_for_leader_epoch.topics.partitions": ("partition",),
    "produce.responses": ("name",), "fetch.responses": ("topic",),
    "fetch.responses.partitions": ("partition_index",),
    "offset_delete.topics": ("name",),
    "offset_delete.topics.partitions": ("partition_index",),
    "offset_commit.topics.partitions": ("partition_index",),
    "produce.responses.partition_responses": ("index",),
    "describe_log_dirs.results.topics": ("name",),
    "describe_log_dirs.results.topics.partitions": ("partition_index",),
    "elect_leaders.replica_election_results": ("topic",),
    "elect_leaders.replica_election_results.partition_result":
    ("partition_id",),
    "alter_partition_reassignments.responses": ("name",),
    "add_partitions_to_txn.results_by_topic_v3_and_below": ("name",),
    "add_partitions_to_txn.results_by_topic_v3_and_below"
    ".results_by_partition": ("partition_index",),
    "add_partitions_to_txn.results_by_transaction": ("transactional_id",),
    "add_partitions_to_txn.results_by_transaction.topic_results": ("name",),
    "add_partitions_to_txn.results_by_transaction.topic_results"
    ".results_by_partition": ("partition_index",),
    "txn_offset_commit.topics": ("name",),
    "txn_offset_commit.topics.partitions": ("partition_index",),
    "write_txn_markers.markers": (),
    "write_txn_markers.markers.topics": ("name",),
    "write_txn_markers.markers.topics.partitions": ("partition_index",),
    "list_transactions.transaction_states": ("transactional_id",),
    "list_transactions.unknown_state_filters": (),
    "describe_transactions.transaction_states": ("transactional_id",),
    "describe_transactions.transaction_states.topics": ("topic",),
    "describe_transactions.transaction_states.topics.partitions": (),
    "describe_producers.topics": ("name",),
    "describe_producers.topics.partitions": ("partition_index",),
    "describe_producers.topics.partitions.active_producers": (),
    "describe_client_quotas.entries": ("entity",),
    "describe_client_quotas.entries.entity": ("entity_type",),
    "describe_client_quotas.entries.values": ("key",),
    "alter_client_quotas.entries": ("entity",),
    "alter_client_quotas.entries.entity": ("entity_type",),
    "consumer_group_describe.groups": ("group_id",),
    "consumer_group_describe.groups.members": ("member_id",),
    "consumer_group_describe.groups.members.subscribed_topic_names": (),
    **{"consumer_group_describe.groups.members." + which + more: key
       for which in ("assignment", "target_assignment")
       for more, key in ((".topic_partitions", ("topic_name",)),
                         (".topic_partitions.partitions", ()))},
    "api_versions.api_keys": ("api_key",),
    "api_versions.supported_features": ("name",),
    "list_config_resources.config_resources":
    ("resource_type", "resource_name"),
}
# Lists of topics with their partitions: what is said of one topic in several
# places, or twice, is brought together. (The topic's names, the partitions.)
GROUPED = {
    "produce.responses": "partition_responses",
    "fetch.responses": "partitions", "list_offsets.topics": "partitions",
    "offset_for_leader_epoch.topics": "partitions",
    "delete_records.topics": "partitions",
    "offset_commit.topics": "partitions", "offset_fetch.topics": "partitions",
    "offset_fetch.groups.topics": "partitions",
    "offset_delete.topics": "partitions",
    "txn_offset_commit.topics": "partitions",
    "add_partitions_to_txn.results_by_topic_v3_and_below":
    "results_by_partition",
    "add_partitions_to_txn.results_by_transaction.topic_results":
    "results_by_partition",
    "elect_leaders.replica_election_results": "partition_result",
}
# Fields with a clock's time where the topic asks for it.
TIMES = {"log_append_time_ms", "max_time", "base_time", "timestamp",
         "last_timestamp", "transaction_start_time_ms"}
# Sentences for people are ours, and there wherever Kafka has one.
SENTENCES = {"error_message", "batch_index_error_message", "documentation"}
# What the disk has, which others use too: the same but for so much.
SPACES = {"total_bytes", "usable_bytes"}
SPACE_USED_BY_OTHERS = 4 << 30


def brought_together(path, elements):
    """One element for each topic, and none without partitions."""
    inner = GROUPED[path]
    topics = {}
    for element in elements:
        name = tuple(element.get(k) for k in ("name", "topic", "topic_id"))
        topics.setdefault(name, {**element, inner: []})[inner] += \
            element[inner]
    return [t for t in topics.values() if t[inner]]


def once(elements):
    """Without what is said again."""
    return [x for i, x in enumerate(elements) if x not in elements[:i]]


class Identities:
    """Which of the right server's values stands for which of the left's."""

    def __init__(self):
        self.right_of = {}
        self.left_of = {}

    def meet(self, kind, left, right):
        """Whether the two may be one thing, which they then are for ever."""
        if left in NOBODY or right in NOBODY:
            return left == right
        known = self.right_of.setdefault((kind, left), right)
        return known == right \
            and self.left_of.setdefault((kind, right), left) == left

    def translate(self, value, field=None):
        """A request for the left server as one for the right server."""
        if isinstance(value, dict):
            return {k: self.translate(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.translate(v, field) for v in value]
        if field == "records" and isinstance(value, bytes):
            return batches.with_producer(
                value, lambda p: self.right_of.get(("producer", p), p))
        kind = CHOSEN.get(field)
        return self.right_of.get((kind, value), value) if kind else value


class Difference:
    def __init__(self, path, left, right):
        self.path, self.left, self.right = path, left, right

    def __str__(self):
        def short(value):
            return repr(value) if len(repr(value)) < 600 \
                else repr(value)[:597] + "..."
        return f"{self.path}: {short(self.left)} / {short(self.right)}"


class Comparison:
    def __init__(self, identities, began):
        self.identities = identities
        self.began = began
        self.excused = {}

    def differences(self, api, version, left, right):
        """Of two answers; each a dict, or a word on why there is none."""
        found = []
        for exception in EXCEPTIONS:
            if exception.whole and exception.api == api \
                    and isinstance(left, dict) and exception.when(left, right):
                self.excused[exception] = self.excused.get(exception, 0) + 1
                return found
        self._walk(api, version, api, None, left, right, found)
        return found

    def _excuse(self, path, version, left, right):
        for exception in EXCEPTIONS:
            if exception.covers(path, version, left, right):
                self.excused[exception] = self.excused.get(exception, 0) + 1
                return True
        return False

    def _walk(self, path, version, api, field, left, right, found):
        if path == "fetch.responses.partitions.records" \
                and isinstance(left, bytes) and isinstance(right, bytes):
            left, right = batches.split(left), batches.split(right)
        if self._excuse(path, version, left, right):
            return
        if isinstance(left, dict) and isinstance(right, dict):
            for key in sorted({*left, *right}):
                self._walk(f"{path}.{key}", version, api, key,
                           left.get(key), right.get(key), found)
        elif isinstance(left, list) and isinstance(right, list):
            self._walk_list(path, version, api, field, left, right, found)
        elif field in CHOSEN:
            if not self.identities.meet(CHOSEN[field], left, right):
                found.append(Difference(path, left, right))
        elif left != right and not self._both_now(field, left, right) \
                and not self._one_disk(field, left, right) \
                and not (field in SENTENCES and right):
            found.append(Difference(path, left, right))

    def _walk_list(self, path, version, api, field, left, right, found):
        if path in GROUPED:
            left = brought_together(path, left)
            right = brought_together(path, right)
        order = UNORDERED.get(path)
        if order is not None:
            left = self._sorted(order, once(left), self.identities.right_of)
            right = self._sorted(order, once(right), None)
        for exception in EXCEPTIONS:
            if exception.names and exception.path == path:
                self.excused[exception] = self.excused.get(exception, 0) + 1
                left, right = ([x for x in side if x.get(
                    "name", x.get("topic")) not in exception.names]
                               for side in (left, right))
        if len(left) != len(right):
            names = order[0] if order else None
            both = [[x.get(names) if names else
                     {k: v for k, v in x.items() if k != "records"}
                     if isinstance(x, dict) else x for x in side]
                    for side in (left, right)]
            found.append(Difference(
                path + "[]", [x for x in both[0] if x not in both[1]] or
                len(left), [x for x in both[1] if x not in both[0]] or
                len(right)))
            return
        for a, b in zip(left, right):
            self._walk(path, version, api, field, a, b, found)

    def _sorted(self, order, elements, right_of):
        """By the order's fields, then by what is known of the identities."""
        def known(field, value):
            kind = CHOSEN[field]
            if right_of is None:
                known = (kind, value) in self.identities.left_of
                return str(value) if known else ""
            return str(right_of.get((kind, value), ""))

        def plain(value):
            return str(sorted(map(str, value)) if isinstance(value, list)
                       else value)

        def key(value):
            if not isinstance(value, dict):
                return (str(value),)
            return tuple(plain(value.get(name)) for name in order) + \
                tuple(known(f, v) for f, v in sorted(value.items())
                      if f in CHOSEN) + (value.get("error_code", 0),)
        return sorted(elements, key=key)

    def _both_now(self, field, left, right):
        """Whether both are times of this run that the servers have read."""
        now = time.time() * 1000
        return field in TIMES and isinstance(left, int) \
            and isinstance(right, int) \
            and all(self.began - 1000 <= t <= now + 1000
                    for t in (left, right))

    @staticmethod
    def _one_disk(field, left, right):
        return field in SPACES and isinstance(left, int) \
            and isinstance(right, int) \
            and abs(left - right) < SPACE_USED_BY_OTHERS
