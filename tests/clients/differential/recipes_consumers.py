"""Requests of consumer groups whose broker assigns (KIP-848).

When an assignment is there, and how epochs are counted until it is, is each
server's own business: a group is settled before it is asked about, by
heartbeats of all of its members until they are at the group's epoch and have
what they shall have. An answer to a heartbeat that is no error is compared
without its assignment; what comes of it is compared in the settled group.
Requests name each server's own epochs.
"""
import time

from chapter import Diverged, Unsettled
from pair import ANSWERED

LONG_MS = 1_800_000
SETTLES_WITHIN_S = (10, 30)  # Kafka's side, and ours


class Consumers:
    def __init__(self, name):
        self.name = name
        self.members = []


class Consumer:
    """Epoch and partitions are told by each server for itself."""

    def __init__(self, name, instance, topics, assignor):
        self.id, self.instance = name, instance
        self.topics, self.assignor = topics, assignor
        self.epochs = [0, 0]
        self.owned = [[], []]


def full(group, member, side):
    """A heartbeat that says everything."""
    return {"group_id": group.name, "member_id": member.id,
            "member_epoch": member.epochs[side],
            "instance_id": member.instance, "rebalance_timeout_ms": LONG_MS,
            "subscribed_topic_names": member.topics,
            "server_assignor": member.assignor,
            "topic_partitions": member.owned[side]}


def short(group, member):
    return {"group_id": group.name, "member_id": member.id,
            "member_epoch": member.epochs[0],
            "instance_id": member.instance}


def without_timing(body):
    if not isinstance(body, dict) or body["error_code"]:
        return body
    return {**body, "member_epoch": 0, "assignment": None}


def without_owners(group):
    """Who of the members has a partition is as Kafka's hash tables have it,
    but each has as many, and all together have the same."""
    if group["assignor_name"] != "uniform":
        return group
    names = {}
    for member in group["members"]:
        for t in member["assignment"]["topic_partitions"]:
            names.setdefault(t["topic_name"], []).extend(t["partitions"])
    return {**group,
            "all": [{"name": name, "partitions": sorted(of)}
                    for name, of in sorted(names.items())],
            "counts": sorted(
                sum(len(t["partitions"])
                    for t in m["assignment"]["topic_partitions"])
                for m in group["members"]),
            "members": [{**m, "assignment": None, "target_assignment": None}
                        for m in group["members"]]}


def without_epochs(body):
    if not isinstance(body, dict):
        return body
    return {**body, "groups": [without_owners(
        {**g, "group_epoch": 0, "assignment_epoch": 0,
         "members": [{**m, "member_epoch": 0} for m in g["members"]]})
        for g in body["groups"]]}


def at_right(member, field="member_epoch"):
    """Of a request with the left server's epoch one with the right server's:
    as far above it."""
    left, right = member.epochs

    def change(body):
        epoch = body.get(field)
        near = isinstance(epoch, int) and 0 < left <= epoch <= left + 100
        return {**body, field: epoch - left + right} if near else body
    return change


def at_right_of_groups(member):
    """The same of OffsetFetch."""
    change = at_right(member)
    return lambda body: {**body, "groups": body["groups"] and [
        change(g) for g in body["groups"]]}


def partitions_of(assignment):
    return sorted((t["topic_id"], p) for t in assignment["topic_partitions"]
                  for p in t["partitions"])


def is_settled(c, side, group):
    found = c.pair.one(side, c.pair.apis["consumer_group_describe"], 1,
                       {"group_ids": [group.name]})["groups"][0]
    return found["group_state"] in ("Stable", "Empty") and all(
        m["member_epoch"] == found["group_epoch"] and
        partitions_of(m["assignment"]) == partitions_of(m["target_assignment"])
        for m in found["members"])


def settle_side(c, side, group):
    api = c.pair.apis["consumer_group_heartbeat"]
    until = time.monotonic() + SETTLES_WITHIN_S[side]
    while True:
        for member in group.members:
            answer = c.pair.one(side, api, 1, full(group, member, side))
            if answer is None or answer["error_code"]:
                raise Diverged(f"{group.name} {side}: {answer}")
            member.epochs[side] = answer["member_epoch"]
            if answer["assignment"] is not None:
                member.owned[side] = answer["assignment"]["topic_partitions"]
        if is_settled(c, side, group):
            return
        if time.monotonic() > until and side == 0:
            drop(c, group.name)
            raise Unsettled(f"{group.name} does not settle in Kafka")
        if time.monotonic() > until:
            raise Diverged(f"{group.name} does not settle")


def learn(c, group, member):
    """What each server has told a member that has just joined."""
    for side in (0, 1):
        found = c.pair.one(side, c.pair.apis["consumer_group_describe"], 1,
                           {"group_ids": [group.name]})["groups"][0]
        for known in found["members"]:
            if known["member_id"] == member.id:
                member.epochs[side] = known["member_epoch"]
                member.owned[side] = [
                    {"topic_id": t["topic_id"], "partitions": t["partitions"]}
                    for t in known["assignment"]["topic_partitions"]]


def settle(c, group):
    if not group.members:
        return
    for side in (1, 0):
        settle_side(c, side, group)


def some_consumers(c, wrong=0.1):
    """A group, settled."""
    if not c.consumers or c.rng.random() < wrong:
        return Consumers(c.rng.choice([c.prefix + "missing", "", "x" * 260]))
    group = c.consumers[c.rng.choice(sorted(c.consumers))]
    settle(c, group)
    return group


def some_consumer(c, group, wrong=0.1):
    if not group.members or c.rng.random() < wrong:
        return Consumer(c.rng.choice(["nobody", ""]), None, [], None)
    return c.rng.choice(group.members)


def some_names(c):
    return sorted({c.some_topic(0.1).name
                   for _ in range(c.rng.choice([1, 1, 2, 3]))})


def join(c):
    group = Consumers(c.name("q"))
    if c.consumers and c.rng.random() < 0.5:
        group = some_consumers(c, 0)
    if len(group.members) > 2:
        return
    member = Consumer(
        c.name("m"), c.name("static") if c.rng.random() < 0.2 else None,
        some_names(c), c.rng.choice([None] * 5 + ["range", "uniform", "no"]))
    body = full(group, member, 0)
    if c.rng.random() < 0.15:
        body.update(c.rng.choice([
            {"rebalance_timeout_ms": -1}, {"subscribed_topic_names": None},
            {"topic_partitions": None}, {"member_epoch": 1},
            {"subscribed_topic_names": []}, {"server_assignor": ""},
            {"subscribed_topic_regex": "[", "subscribed_topic_names": None}]))
    answer = c.ask("consumer_group_heartbeat", body, wrong=0.1,
                   view=without_timing)
    if answer.how != ANSWERED or answer.body["error_code"]:
        return
    asked = c.asked
    if any(asked.get(k) != body.get(k) for k in (
            "group_id", "member_id", "instance_id", "subscribed_topic_names",
            "server_assignor", "subscribed_topic_regex")):
        drop(c, asked["group_id"])
        return
    group.members.append(member)
    c.consumers[group.name] = group
    learn(c, group, member)
    settle(c, group)


def drop(c, name):
    """Whoever is in it leaves it, on both sides."""
    for side in (0, 1):
        leave_all(c, side, [name])
    c.consumers.pop(name, None)


def leave_all(c, side, names):
    def call(api, version, body):
        return c.pair.one(side, c.pair.apis[api], version, body)
    for group in call("consumer_group_describe", 0,
                      {"group_ids": names})["groups"]:
        for member in group["members"]:
            call("consumer_group_heartbeat", 0, {
                "group_id": group["group_id"],
                "member_id": member["member_id"], "member_epoch": -1})


def beat(c):
    group = some_consumers(c)
    member = some_consumer(c, group)
    body = c.rng.choice([short(group, member), short(group, member),
                         full(group, member, 0)])
    chance = c.rng.random()
    if chance < 0.15:
        body["member_epoch"] += c.rng.choice([1, 100])
    elif chance < 0.25:
        names = some_names(c)
        body["subscribed_topic_names"] = names
    elif chance < 0.3:
        body["topic_partitions"] = c.rng.choice([
            [], [{"topic_id": bytes(15) + b"\7", "partitions": [0]}]])
    answer = c.ask("consumer_group_heartbeat", body, wrong=0.15,
                   view=without_timing, right=at_right(member),
                   kept=("topic_partitions", "topic_id", "partitions"))
    if answer.how != ANSWERED or answer.body["error_code"]:
        return
    asked = c.asked
    # Somebody has joined of whom nothing is known here, or something else.
    if member not in group.members or any(
            asked.get(k) != body.get(k) for k in (
            "group_id", "member_id", "instance_id", "member_epoch",
            "server_assignor", "subscribed_topic_regex")) \
            or asked.get("subscribed_topic_names") not in (
                None, body.get("subscribed_topic_names")):
        drop(c, asked["group_id"])
        return
    if asked.get("subscribed_topic_names") is not None:
        member.topics = asked.get("subscribed_topic_names")
    settle(c, group)


def leave(c):
    group = some_consumers(c)
    member = some_consumer(c, group)
    body = {**short(group, member), "member_epoch": -1}
    answer = c.ask("consumer_group_heartbeat", body, wrong=0)
    if answer.how == ANSWERED and not answer.body["error_code"]:
        group.members = [m for m in group.members if m is not member]
        settle(c, group)


def static_again(c):
    """A static member goes for a while, and comes with another id."""
    group = some_consumers(c, 0)
    found = [m for m in group.members if m.instance]
    if not found:
        return
    member = found[0]
    answer = c.ask("consumer_group_heartbeat", {
        **short(group, member), "member_epoch": -2}, wrong=0)
    if answer.how != ANSWERED or answer.body["error_code"]:
        return
    member.id = c.name("m")
    member.epochs, member.owned = [0, 0], [[], []]
    c.ask("consumer_group_heartbeat", full(group, member, 0), wrong=0,
          view=without_timing)
    learn(c, group, member)
    settle(c, group)


def describe(c):
    names = [some_consumers(c).name for _ in range(c.rng.choice([1, 1, 2, 0]))]
    if c.groups and c.rng.random() < 0.1:
        names.append(c.rng.choice(sorted(c.groups)))
    return c.ask("consumer_group_describe", {
        "group_ids": names,
        "include_authorized_operations": c.rng.random() < 0.3},
        view=without_epochs)


def commit(c):
    group = some_consumers(c)
    member = some_consumer(c, group)
    topic = c.some_topic()
    return c.ask("offset_commit", {
        "group_id": group.name,
        "generation_id_or_member_epoch": member.epochs[0]
        + c.rng.choice([0] * 6 + [1]),
        "member_id": member.id, "group_instance_id": member.instance,
        "topics": [{"name": topic.name, "topic_id": topic.id, "partitions": [
            {"partition_index": c.some_partition(topic),
             "committed_offset": c.rng.choice([0, 7]),
             "committed_leader_epoch": -1, "committed_metadata": "m"}]}]},
        c.version("offset_commit", 8),
        right=at_right(member, "generation_id_or_member_epoch"))


def fetch_offsets(c):
    group = some_consumers(c)
    member = some_consumer(c, group)
    return c.ask("offset_fetch", {
        "groups": [{"group_id": group.name, "topics": None,
                    "member_id": c.rng.choice([None, member.id, member.id]),
                    "member_epoch": member.epochs[0]
                    + c.rng.choice([0] * 6 + [1])}],
        "require_stable": c.rng.random() < 0.5},
        c.version("offset_fetch", 8), right=at_right_of_groups(member))


def others(c):
    """What is asked of groups of the other kind."""
    group = some_consumers(c)
    topic = c.some_topic()
    return c.rng.choice([
        lambda: c.ask("describe_groups", {"groups": [group.name]}),
        lambda: c.ask("delete_groups", {"groups_names": [group.name]})
        if group.members else None,
        lambda: c.ask("offset_delete", {"group_id": group.name, "topics": [
            {"name": topic.name, "partitions": [
                {"partition_index": c.some_partition(topic)}]}]})])()


def quiesce(c):
    """Nobody stays in a group, on either side."""
    for side in (0, 1):
        found = c.pair.one(side, c.pair.apis["list_groups"], 5, {
            "types_filter": ["consumer"]})["groups"]
        leave_all(c, side, [g["group_id"] for g in found])


API = "consumer_group_heartbeat"
RECIPES = [
    (3, API, join), (6, API, beat), (1, API, leave), (1, API, static_again),
    (4, "consumer_group_describe", describe), (3, API, commit),
    (2, API, fetch_offsets), (2, API, others),
]
