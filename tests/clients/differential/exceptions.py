"""Where Millrace's answers differ from Kafka's on purpose: at most 30 entries,
each of one API and one field, with the reason."""


class Exception_:
    def __init__(self, api, field, reason, when=None, names=(),
                 whole=False):
        self.whole = whole  # the rest of such an answer says nothing
        self.names = names  # of a list: only the elements of these names
        self.api, self.field, self.reason = api, field, reason
        self.path = f"{api}.{field}"
        self.when = when

    def covers(self, path, version, left, right):
        return path == self.path and not self.names \
            and not self.whole and (
            self.when is None or self.when(left, right))


def our_words(left, right):
    """Where Kafka has a sentence for people, so has Millrace."""
    return bool(right) or not left and left == right


def kafka_failed(left, right):
    """Some error code is UNKNOWN_SERVER_ERROR: an exception inside Kafka."""
    if isinstance(left, dict):
        return left.get("error_code") == -1 or any(
            kafka_failed(value, right) for value in left.values())
    return isinstance(left, list) and any(kafka_failed(x, right)
                                          for x in left)


def no_more_apis(left, right):
    """What Millrace has, Kafka has too, in these versions."""
    ranges = {k["api_key"]: (k["min_version"], k["max_version"]) for k in left}
    return all(k["api_key"] in ranges
               and ranges[k["api_key"]][0] <= k["min_version"]
               and k["max_version"] <= ranges[k["api_key"]][1] for k in right)


# Of tiered storage, and of compaction, which is still to come.
OTHER_CONFIGS = frozenset((
    "millrace.durability", "remote.storage.enable", "local.retention.ms",
    "local.retention.bytes", "remote.log.copy.disable",
    "remote.log.delete.on.disable", "delete.retention.ms",
    "max.compaction.lag.ms", "min.compaction.lag.ms",
    "min.cleanable.dirty.ratio"))
WORDS = "the sentence is ours, and there wherever Kafka has one"
FAILED = "Kafka fails inside, as UNKNOWN_SERVER_ERROR says"

EXCEPTIONS = [
    Exception_("api_versions", "api_keys", "APIs that are still to come",
               no_more_apis),
    Exception_("api_versions", "finalized_features_epoch",
               "the position of each one's own metadata log"),
    Exception_("api_versions", "supported_features",
               "features by which Kafka is upgraded"),
    Exception_("api_versions", "finalized_features",
               "features by which Kafka is upgraded"),
    *[Exception_(api, "error_code", FAILED, kafka_failed, whole=True)
      for api in ("fetch", "list_offsets", "describe_topic_partitions",
                  "incremental_alter_configs", "produce")],
    Exception_("create_topics", "topics.configs",
               "tiered storage is Kafka's, millrace.durability is ours",
               names=OTHER_CONFIGS),
    Exception_("describe_configs", "results.configs",
               "tiered storage is Kafka's, millrace.durability is ours",
               names=OTHER_CONFIGS),
    *[Exception_(api, field, WORDS, our_words) for api, field in (
        ("create_topics", "topics.error_message"),
        ("delete_topics", "responses.error_message"),
        ("create_partitions", "results.error_message"),
        ("describe_configs", "results.error_message"),
        ("alter_configs", "responses.error_message"),
        ("incremental_alter_configs", "responses.error_message"),
        ("describe_configs", "results.configs.documentation"),
        ("find_coordinator", "error_message"),
        ("find_coordinator", "coordinators.error_message"),
        ("produce", "responses.partition_responses.error_message"),
        ("produce", "responses.partition_responses.record_errors"
                    ".batch_index_error_message"),
        ("describe_groups", "groups.error_message"),
        ("elect_leaders",
         "replica_election_results.partition_result.error_message"),
        ("alter_partition_reassignments", "responses.partitions"
                                          ".error_message"),
        ("describe_quorum", "topics.partitions.error_message"),
        ("add_raft_voter", "error_message"),
        ("remove_raft_voter", "error_message"),
    )],
]
