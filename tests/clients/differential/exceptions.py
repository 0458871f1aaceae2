"""Where Millrace's answers differ from Kafka's on purpose: at most 30 entries,
each of one API and one field, with the reason."""
import batches


class Exception_:
    def __init__(self, api, field, reason, when=None, names=(),
                 whole=False):
        self.whole = whole  # the rest of such an answer says nothing
        self.names = names  # of a list: only the elements of these names
        self.api, self.field, self.reason = api, field, reason
        self.path = f"{api}.{field}" if field else api
        self.when = when

    def covers(self, path, version, left, right):
        return path == self.path and not self.names \
            and not self.whole and (
            self.when is None or self.when(left, right))


def kafka_failed(left, right):
    """Some error code is UNKNOWN_SERVER_ERROR: an exception inside Kafka."""
    if isinstance(left, dict):
        return left.get("error_code") == -1 or any(
            kafka_failed(value, right) for value in left.values())
    return isinstance(left, list) and any(kafka_failed(x, right)
                                          for x in left)


def no_more_apis(left, right):
    """What Millrace has, Kafka has too, in these versions. Who asks with a
    version that is not known is told all of ours, and one of Kafka's."""
    if [k["api_key"] for k in left] == [18]:
        return True
    ranges = {k["api_key"]: (k["min_version"], k["max_version"]) for k in left}
    return all(k["api_key"] in ranges
               and ranges[k["api_key"]][0] <= k["min_version"]
               and k["max_version"] <= ranges[k["api_key"]][1]
               for k in right)


def begins_in_a_transaction(left, right):
    """Of two partitions of a fetch: read_committed sees nothing of either."""
    if not isinstance(left, dict) or not isinstance(right, dict):
        return False
    start = left.get("log_start_offset", -1)
    return left["last_stable_offset"] < start \
        == right["last_stable_offset"] == right["log_start_offset"] \
        and batches.split(left["records"]) == batches.split(right["records"])


OTHER_CONFIGS = frozenset((
    "millrace.durability", "remote.storage.enable", "local.retention.ms",
    "local.retention.bytes", "remote.log.copy.disable",
    "remote.log.delete.on.disable"))
NO_PASSWORDS = "users' passwords come with security"
OWN = "what coordinators have written is their own"
INTERNAL = frozenset(("__consumer_offsets", "__transaction_state",
                      "__share_group_state"))
FAILED = "Kafka fails inside, as UNKNOWN_SERVER_ERROR says"

EXCEPTIONS = [
    Exception_("api_versions", "api_keys",
               "APIs that are still to come",
               no_more_apis),
    Exception_("api_versions", "",
               "of a version to come no more than the header's beginning is"
               " needed to tell those that there are",
               lambda left, right: left == "closed"
               and isinstance(right, dict) and right["error_code"] == 35),
    Exception_("api_versions", "finalized_features_epoch",
               "the position of each one's own metadata log"),
    Exception_("api_versions", "supported_features",
               "features by which Kafka is upgraded"),
    Exception_("api_versions", "finalized_features",
               "features by which Kafka is upgraded"),
    *[Exception_(api, "error_code", FAILED, kafka_failed, whole=True)
      for api in ("fetch", "join_group", "describe_topic_partitions",
                  "incremental_alter_configs", "produce", "metadata",
                  "offset_fetch")],
    Exception_("create_topics", "topics.configs",
               "tiered storage is Kafka's, millrace.durability is ours",
               names=OTHER_CONFIGS),
    Exception_("describe_configs", "results.configs",
               "tiered storage is Kafka's, millrace.durability is ours",
               names=OTHER_CONFIGS),
    Exception_("write_txn_markers", "markers", FAILED,
               lambda left, right: "'error_code': -1" in str(left)),
    Exception_("describe_log_dirs", "results.topics", OWN, names=INTERNAL),
    Exception_("describe_log_dirs",
               "results.topics.partitions.partition_size",
               "what DeleteRecords has deleted is on Kafka's disk until later",
               lambda left, right: right < left),
    Exception_("fetch", "responses", OWN, names=INTERNAL),
    Exception_("list_offsets", "topics", OWN, names=INTERNAL),
    Exception_("describe_producers", "topics", OWN, names=INTERNAL),
    Exception_("offset_for_leader_epoch", "topics", OWN, names=INTERNAL),
    Exception_("fetch", "responses.partitions",
               "where a log begins within a batch of an open transaction,"
               " Kafka's last stable offset is that batch's, below the"
               " beginning", begins_in_a_transaction),
    Exception_("end_txn", "error_code",
               "for Kafka a request with the epoch before is a repeated one"
               " even where the transaction has raised none",
               lambda left, right: (
                   left["error_code"] == 48  # of the other outcome
                   or (left["error_code"], left.get("producer_epoch"))
                   == (0, 0)) and right["error_code"] == 90, whole=True),
    Exception_("consumer_group_heartbeat", "heartbeat_interval_ms",
               "who waits for partitions may come back sooner",
               lambda left, right: 0 < right < left),
    Exception_("offset_delete", "topics.partitions.error_code",
               "what a static member subscribes to counts as soon as it is"
               " back, and not from the next generation on",
               lambda left, right: (left, right) == (0, 86)),
    Exception_("produce", "responses.partition_responses.error_code",
               "of what was appended too long ago to know where, Kafka says"
               " that it is out of order; ours is a duplicate (R13)",
               lambda left, right: (left, right) == (45, 46)),
    Exception_("describe_user_scram_credentials", "error_code", NO_PASSWORDS,
               lambda left, right: right["error_code"] == 54, whole=True),
    Exception_("alter_user_scram_credentials", "results.error_code",
               NO_PASSWORDS, lambda left, right: right["results"] and all(
                   r["error_code"] == 54 for r in right["results"]),
               whole=True),
    Exception_("produce", "responses.partition_responses.error_code",
               "an internal topic is refused before anybody is asked whether"
               " the transaction has it",
               lambda left, right: left in (42, 47, 48, 49) and right == 17),
    Exception_("produce", "responses.partition_responses.log_append_time_ms",
               "of a duplicate Kafka tells its greatest timestamp; ours is"
               " answered like the original",
               lambda left, right: right == -1),
]
