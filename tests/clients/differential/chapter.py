"""A part of the stream with names, topics and groups of its own.

Chapter n of a seed is always the same requests: what it shows can be seen
again by running it alone.
"""
import random
import time

from mutate import broken, mutated
from pair import ANSWERED
from wire import ZERO_ID

# After these a broker knows a little later what the controller has decided.
CHANGES = {"create_topics", "delete_topics", "create_partitions",
           "alter_configs", "incremental_alter_configs", "elect_leaders",
           "alter_partition_reassignments", "alter_client_quotas"}
# What may be asked again: these change nothing.
READS = {"metadata", "describe_configs", "list_offsets", "describe_groups",
         "list_groups", "describe_log_dirs", "describe_topic_partitions",
         "describe_cluster", "list_partition_reassignments",
         "list_config_resources", "offset_for_leader_epoch",
         "describe_transactions", "list_transactions", "describe_producers",
         "consumer_group_describe", "describe_client_quotas"}
# What is about groups, and what may take their last offsets away.
OF_GROUPS = {"list_groups", "describe_groups", "delete_groups",
             "offset_fetch", "offset_delete", "offset_commit", "join_group",
             "heartbeat", "leave_group", "sync_group", "txn_offset_commit"}
LOSES_OFFSETS = {"delete_topics", "offset_delete", "end_txn",
                 "init_producer_id"}
# What makes another topic of a topic.
RESHAPES = {"delete_topics", "create_partitions"}
BARRIER = "barrier"
INTERNAL = {"__consumer_offsets", "__transaction_state",
            "__share_group_state"}


# What leaves the servers as they were, so that a chapter goes on after it.
HARMLESS = READS | {"api_versions", "find_coordinator", "describe_quorum",
                    "fetch", "offset_fetch"}


class Diverged(Exception):
    """The servers are not in one state any more: the chapter ends."""


class Unready(Diverged):
    """Both say the same, and not what was waited for."""


class Unsettled(Exception):
    """Kafka's side does not come to rest: nothing can be compared."""


class Topic:
    def __init__(self, name, topic_id, partitions):
        self.name, self.id, self.partitions = name, topic_id, partitions
        self.ends = [0] * partitions
        self.shortened = False  # some of its records have been deleted


class Chapter:
    def __init__(self, pair, seed, number):
        self.pair = pair
        self.prefix = f"c{number}-"
        self.rng = random.Random(f"{seed}/{number}")
        self.topics = {}
        self.groups = {}
        self.consumers = {}  # groups whose broker assigns
        self.producers = []
        self.transactions = {}
        self.names = 0
        self.barrier = 0
        self.asked = None  # the body of the last request
        self.loses_offsets = False

    def name(self, kind):
        self.names += 1
        return f"{self.prefix}{kind}{self.names}"

    def version(self, name, least=0):
        first, last = self.pair.shared[name]
        return self.rng.randint(max(first, least), last)

    def has(self, name):
        return name in self.pair.shared

    def ask(self, name, body, version=None, wrong=0.25, client="d", kept=(),
            view=None, right=None):
        """One request of the stream, sometimes a wrong one; its left answer.

        A wrong one is right in the fields of these names: `kept`. What
        `view` makes of the answers is compared, and what `right` makes of the
        request goes to the right server."""
        api = self.pair.apis[name]
        if version is None:
            version = self.version(name)
        frames = None
        chance = self.rng.random()
        if chance < wrong:
            wanted = body
            body = mutated(self.rng, api.request(version), body, kept)
            # The stream goes on with the coordinators that there are.
            if name in RESHAPES and any(t in str(body) for t in INTERNAL):
                body = wanted
            if self.rng.random() < 0.1:
                frames = broken(self.rng, self.pair.frames(
                    api, version, body, client))
        if right and frames is None:
            frames = self.pair.frames(api, version, body, client, right)
        self.asked = body
        answer = self.pair.ask(
            api, version, body, client, frames=frames,
            again_s=1 if name in READS and (right or frames is None) else 0,
            first=self.forget_blank_groups if name in OF_GROUPS
            and self.loses_offsets else None, view=view)
        if name in LOSES_OFFSETS:
            self.loses_offsets = True
        if name in CHANGES and answer.how == ANSWERED:
            self.settle()
        return answer

    # -- what makes the two servers ready for the next request

    def settle(self):
        """Until both brokers know what their controllers have decided."""
        self.pass_barrier()
        self.refresh()

    def pass_barrier(self):
        """What is known after the barrier includes all before it."""
        for _ in range(2):
            self.barrier += 1
            value = str(10 ** 9 + self.barrier)
            self._both_until("incremental_alter_configs", 1, {
                "resources": [{"resource_type": 2, "resource_name": BARRIER,
                               "configs": [{"name": "retention.ms",
                                            "value": value}]}]},
                lambda a: a["responses"][0]["error_code"] == 0)
            self._both_until("describe_configs", 4, {
                "resources": [{"resource_type": 2, "resource_name": BARRIER,
                               "configuration_keys": ["retention.ms"]}]},
                lambda a: a["results"][0]["configs"]
                and a["results"][0]["configs"][0]["value"] == value)

    def refresh(self):
        """The chapter's topics, as the left server knows them."""
        left = self.pair.quiet(self.pair.apis["metadata"], 12,
                               {"topics": None,
                                "allow_auto_topic_creation": False})[0]
        fresh = {}
        for topic in left.body["topics"]:
            name = topic["name"]
            if topic["error_code"] or name.startswith("__") \
                    or name == BARRIER or self._foreign(name):
                continue
            count = len(topic["partitions"])
            known = self.topics.get(name)
            if known and known.id == topic["topic_id"] \
                    and known.partitions == count:
                fresh[name] = known
                continue
            fresh[name] = Topic(name, topic["topic_id"], count)
            if known and known.id == topic["topic_id"]:
                fresh[name].ends = known.ends + [0] * (count
                                                       - known.partitions)
                fresh[name].shortened = known.shortened
            self.await_leaders(fresh[name])
        self.topics = fresh

    def _foreign(self, name):
        return name[:1] == "c" and "-" in name \
            and name[1:name.index("-")].isdigit() \
            and not name.startswith(self.prefix)

    def await_leaders(self, topic):
        self._both_until("list_offsets", 7, {
            "replica_id": -1, "topics": [{"name": topic.name, "partitions": [
                {"partition_index": p, "timestamp": -1}
                for p in range(topic.partitions)]}]},
            lambda a: all(p["error_code"] == 0
                          for t in a["topics"] for p in t["partitions"]))
        # The names of the topic on either side.
        sides = self.pair.quiet(self.pair.apis["metadata"], 12, {
            "topics": [{"name": topic.name, "topic_id": ZERO_ID}],
            "allow_auto_topic_creation": False})
        ids = [side.body["topics"][0]["topic_id"] for side in sides]
        self.pair.identities.meet("topic", *ids)

    def settle_log(self, topic, partition):
        """Until both show what was appended without waiting for the disk."""
        api = self.pair.apis["list_offsets"]
        body = {"replica_id": -1, "topics": [{"name": topic, "partitions": [
            {"partition_index": partition, "timestamp": -1}]}]}
        until = time.monotonic() + 2
        while time.monotonic() < until:
            left, right = self.pair.quiet(api, 7, body)
            if left.shown() == right.shown():
                break
            time.sleep(0.005)  # between two questions

    def forget_blank_groups(self):
        """A group that is nothing any more, without a member and with its last
        offset gone, Kafka keeps until it looks for what has expired."""
        apis = self.pair.apis
        left, right = (
            {g["group_id"]: g["protocol_type"] for g in side.body["groups"]}
            for side in self.pair.quiet(apis["list_groups"], 2, {}, "settle"))
        for name, kind in left.items():
            if kind or name in right:
                continue
            known = self.pair.one(0, apis["offset_fetch"], 7, {
                "group_id": name, "topics": None, "require_stable": True})
            if not known["topics"] and not known["error_code"]:
                self.pair.one(0, apis["delete_groups"], 2,
                              {"groups_names": [name]})

    def _both_until(self, name, version, body, ready, seconds=90):
        """Asks each until it is ready; without comparing."""
        api = self.pair.apis[name]
        until = time.monotonic() + seconds
        while True:
            sides = self.pair.quiet(api, version, body, "settle")
            if all(side.how == ANSWERED and ready(side.body)
                   for side in sides):
                return sides
            if time.monotonic() > until:
                shown = [str(s.shown()) for s in sides]
                kind = Unready if shown[0] == shown[1] else Diverged
                raise kind(f"{name} {body}: " + " / ".join(shown))
            time.sleep(0.002)  # between two questions

    # -- values, mostly right ones

    def some_topic(self, wrong=0.08):
        if not self.topics or self.rng.random() < wrong:
            return Topic(self.rng.choice(
                ["missing", "", "a b", ".", "x" * 250, "missing2"]),
                self.rng.choice([ZERO_ID, b"\7" * 16]), 1)
        return self.topics[self.rng.choice(sorted(self.topics))]

    def some_partition(self, topic, wrong=0.08):
        if self.rng.random() < wrong:
            return self.rng.choice([-1, topic.partitions, 1000, 2 ** 31 - 1])
        return self.rng.randrange(topic.partitions)

    def some_offset(self, topic, partition):
        end = topic.ends[partition] if 0 <= partition < topic.partitions else 0
        return self.rng.choice(
            [0, 0, max(end - 1, 0), end, end, self.rng.randint(0, end or 1),
             end + 1, -1, -2, 2 ** 62])

    def finish(self):
        """Both servers forget the chapter."""
        apis = self.pair.apis
        for client in list(self.pair.links):
            if client not in ("d", "settle"):
                self.pair.forget(client)
        names = {topic["name"] for side in self.pair.quiet(
            apis["metadata"], 12, {"topics": None,
                                   "allow_auto_topic_creation": False})
            for topic in side.body["topics"]} - {BARRIER} - INTERNAL
        if names:
            self.pair.quiet(apis["delete_topics"], 5, {
                "topic_names": sorted(names), "timeout_ms": 30000})
        self.pass_barrier()
