"""Requests of classic groups: members, and offsets."""

from chapter import Diverged, Unready
from pair import ANSWERED

# No member is lost because the machine is busy.
LONG_MS = 1_800_000


class Group:
    def __init__(self, name):
        self.name = name
        self.members = []  # {"id", "instance", "client"}; the leader first
        self.generation = 0
        self.protocol = None


def subscription(c, topic):
    """ConsumerProtocolSubscription, version 0."""
    name = topic.encode()
    return b"\0\0\0\0\0\1" + len(name).to_bytes(2, "big") + name \
        + b"\xff\xff\xff\xff"


def assignment():
    return b"\0\0\0\0\0\0\xff\xff\xff\xff"


def forget_refused(c):
    """Of a refused join or commit Kafka keeps an empty group until it looks
    for what has expired; a group that is more than that stays, or goes, alike.
    """
    name = c.asked["group_id"]
    if isinstance(name, str):
        c.pair.quiet(c.pair.apis["delete_groups"], 2,
                     {"groups_names": [name]})


def refused_part(answer):
    """Whether a commit has a partition that was refused by the group."""
    return answer.how == ANSWERED and any(
        part["error_code"] not in (0, 3, 100)
        for topic in answer.body["topics"] for part in topic["partitions"])


def some_group(c, wrong=0.1):
    if not c.groups or c.rng.random() < wrong:
        return Group(c.rng.choice([c.prefix + "absent", "", "x" * 260]))
    return c.groups[c.rng.choice(sorted(c.groups))]


def some_member(c, group, wrong=0.15):
    if not group.members or c.rng.random() < wrong:
        return {"id": c.rng.choice(["", "nobody"]), "instance": c.rng.choice(
            [None, None, "", "static-x"])}
    return c.rng.choice(group.members)


def join_body(c, group, member, instance, protocols=None):
    topic = c.some_topic(0).name
    return {"group_id": group.name, "session_timeout_ms": LONG_MS,
            "rebalance_timeout_ms": LONG_MS, "member_id": member,
            "group_instance_id": instance, "protocol_type": group.protocol,
            "protocols": protocols or [
                {"name": "range", "metadata": subscription(c, topic)},
                {"name": "other", "metadata": b"\0\1"}],
            "reason": c.rng.choice([None, "because"])}


def new_group(c):
    """A group of one member, with wrong turns on the way."""
    group = Group(c.name("g"))
    group.protocol = c.rng.choice(["consumer", "consumer", "connect"])
    instance = c.name("static") if c.rng.random() < 0.3 else None
    version = c.version("join_group", 5 if instance else 0)
    body = join_body(c, group, "", instance)
    chance = c.rng.random()
    if chance < 0.1:
        body["session_timeout_ms"] = c.rng.choice([0, -1, 1, 2 ** 31 - 1])
    elif chance < 0.15:
        body["protocols"] = []
    elif chance < 0.2:
        body["protocol_type"] = ""
    elif chance < 0.25:
        body["member_id"] = "nobody"
    answer = c.ask("join_group", body, version, wrong=0.15)
    if answer.how != ANSWERED:
        return
    if answer.body["error_code"] == 79:
        body["member_id"] = answer.body["member_id"]
        answer = c.ask("join_group", body, version, wrong=0)
    if answer.how != ANSWERED or answer.body["error_code"] \
            or body["group_id"] != group.name:
        forget_refused(c)
        return
    group.generation = answer.body["generation_id"]
    group.members = [{"id": answer.body["member_id"], "instance": instance,
                      "client": "d"}]
    if c.rng.random() < 0.9:
        c.ask("sync_group", {
            "group_id": group.name, "generation_id": group.generation,
            "member_id": answer.body["member_id"],
            "group_instance_id": instance,
            "protocol_type": group.protocol, "protocol_name": "range",
            "assignments": [{"member_id": answer.body["member_id"],
                             "assignment": assignment()}]}, wrong=0.15)
    c.groups[group.name] = group


def compared(c, api, version, body, client):
    """What Kafka answers, when the other's answer is compared with it."""
    left, right = c.pair.collect(api, version, client)
    found = c.pair.compare(api, version, left, right)
    if found:
        c.pair.on_difference(api, version, body, found, left, right)
    return left


def second_member(c):
    """Another one joins, which the first one hears from its heartbeat."""
    group = some_group(c, 0)
    if len(group.members) != 1 or group.members[0]["instance"]:
        return
    first = group.members[0]
    heartbeat = {"group_id": group.name, "generation_id": group.generation,
                 "member_id": first["id"]}
    alive = c.ask("heartbeat", heartbeat, wrong=0)
    if alive.how != ANSWERED or alive.body["error_code"]:
        return
    api = c.pair.apis["join_group"]
    version = c.version("join_group")
    second = join_body(c, group, "", None)
    if version >= 4:
        answer = c.ask("join_group", second, version, wrong=0)
        second["member_id"] = answer.body["member_id"]
    c.pair.asked += 2
    c.pair.post(api, version, second, "second")
    try:
        c._both_until("heartbeat", 4, heartbeat,
                      lambda a: a["error_code"] == 27, seconds=10)
    except Unready:
        compared(c, api, version, second, "second")  # it was not let in
        return
    again = join_body(c, group, first["id"], None)
    c.pair.post(api, version, again, "first")
    answers = {}
    for client, body in (("first", again), ("second", second)):
        left = compared(c, api, version, body, client)
        if left.how != ANSWERED or left.body["error_code"]:
            raise Diverged(f"two members: {left.shown()}")
        answers[client] = left.body
    group.generation = answers["first"]["generation_id"]
    group.members = [{"id": answers[x]["member_id"], "instance": None,
                      "client": x} for x in ("first", "second")]
    group.members.sort(key=lambda m: m["id"] != answers["first"]["leader"])
    sync_two(c, group)


def sync_two(c, group):
    """The follower's answer waits for the leader's word."""
    api = c.pair.apis["sync_group"]
    version = c.version("sync_group")
    bodies = [(m, {"group_id": group.name, "generation_id": group.generation,
                   "member_id": m["id"], "protocol_type": group.protocol,
                   "protocol_name": "range",
                   "assignments": [{"member_id": x["id"],
                                    "assignment": assignment()}
                                   for x in group.members] if lead else []})
              for lead, m in enumerate(group.members[::-1])]
    for member, body in bodies:
        c.pair.asked += 1
        c.pair.post(api, version, body, member["client"])
    for member, body in bodies:
        compared(c, api, version, body, member["client"])


def static_again(c):
    """A static member comes back without its id."""
    static = [g for g in c.groups.values()
              if len(g.members) == 1 and g.members[0]["instance"]]
    if not static:
        return
    group = c.rng.choice(static)
    version = c.version("join_group", 5)
    answer = c.ask("join_group", join_body(
        c, group, "", group.members[0]["instance"]), version, wrong=0)
    if answer.how == ANSWERED and not answer.body["error_code"]:
        group.members[0]["id"] = answer.body["member_id"]
        group.generation = answer.body["generation_id"]


def at_generation(c, group):
    return group.generation + c.rng.choice([0] * 9 + [1, -1, -100])


def heartbeat(c):
    group = some_group(c)
    member = some_member(c, group)
    return c.ask("heartbeat", {
        "group_id": group.name, "generation_id": at_generation(c, group),
        "member_id": member["id"], "group_instance_id": member["instance"]})


def sync(c):
    group = some_group(c)
    if len(group.members) > 1:
        return None  # it might wait for the other member
    member = some_member(c, group)
    return c.ask("sync_group", {
        "group_id": group.name, "generation_id": at_generation(c, group),
        "member_id": member["id"], "group_instance_id": member["instance"],
        "protocol_type": c.rng.choice([group.protocol] * 4 + [None, "x"]),
        "protocol_name": c.rng.choice(["range"] * 4 + [None, "x"]),
        "assignments": []})


def leave(c):
    group = some_group(c)
    member = some_member(c, group)
    identity = {"member_id": member["id"],
                "group_instance_id": member["instance"]}
    answer = c.ask("leave_group", {
        "group_id": group.name, "member_id": member["id"],
        "members": [identity] * c.rng.choice([1] * 6 + [2, 0])})
    # Who has left is found out by the requests that follow.
    group.members = [m for m in group.members if m is not member]
    return answer


def offset_commit(c):
    group = some_group(c)
    member = some_member(c, group, 0.3)
    topic = c.some_topic()
    simple = not group.members or c.rng.random() < 0.2
    name = group.name
    if c.rng.random() < 0.2:
        name = c.name("simple")
        c.groups[name] = Group(name)
    answer = c.ask("offset_commit", {
        "group_id": name,
        "generation_id_or_member_epoch":
        -1 if simple else at_generation(c, group),
        "member_id": "" if simple else member["id"],
        "group_instance_id": None if simple else member["instance"],
        "topics": [{"name": topic.name, "topic_id": topic.id, "partitions": [
            {"partition_index": c.some_partition(topic),
             "committed_offset": c.rng.choice([0, 1, 7, -1, 2 ** 62]),
             "committed_leader_epoch": c.rng.choice([-1, 0, 5]),
             "committed_metadata": c.rng.choice(
                 ["", "m", "m" * 4096, "m" * 4097, None])}
            for _ in range(c.rng.choice([1, 1, 2]))]}]})
    if refused_part(answer):
        forget_refused(c)


def offset_fetch(c):
    groups = [some_group(c) for _ in range(c.rng.choice([1, 1, 2]))]
    topic = c.some_topic()
    topics = None if c.rng.random() < 0.3 else [
        {"name": topic.name, "topic_id": topic.id,
         "partition_indexes": [c.some_partition(topic)]}]
    version = c.version("offset_fetch")
    if topics is None and version < 2:
        topics = []
    member = some_member(c, groups[0], 0.5)
    return c.ask("offset_fetch", {
        "group_id": groups[0].name, "topics": topics,
        "groups": [{"group_id": g.name, "topics": topics,
                    "member_id": c.rng.choice([None, None, member["id"]]),
                    "member_epoch": c.rng.choice([-1, -1, 0, g.generation])}
                   for g in groups],
        "require_stable": c.rng.random() < 0.5}, version)


def offset_delete(c):
    group = some_group(c)
    topic = c.some_topic()
    return c.ask("offset_delete", {
        "group_id": group.name, "topics": [{
            "name": topic.name,
            "partitions": [{"partition_index": c.some_partition(topic)}]}]})


def describe_groups(c):
    return c.ask("describe_groups", {
        "groups": [some_group(c).name
                   for _ in range(c.rng.choice([1, 1, 2, 0]))],
        "include_authorized_operations": c.rng.random() < 0.3})


def list_groups(c):
    return c.ask("list_groups", {
        "states_filter": c.rng.choice([[], [], ["Stable"], ["Empty", "Dead"],
                                       ["stable"], ["Nonsense"]]),
        "types_filter": c.rng.choice([[], [], ["classic"], ["consumer"],
                                      ["Classic"], ["nonsense"]])})


def delete_groups(c):
    return c.ask("delete_groups", {
        "groups_names": [some_group(c).name
                         for _ in range(c.rng.choice([1, 1, 2, 0]))]})


def find_coordinator(c):
    group = some_group(c)
    return c.ask("find_coordinator", {
        "key": group.name, "key_type": c.rng.choice([0] * 6 + [3, -1]),
        "coordinator_keys": [group.name] * c.rng.choice([1, 1, 2, 0])})


def quiesce(c):
    """No member of the chapter stays on either side, and no group."""
    for side in (0, 1):
        def call(name, version, body):
            return c.pair.one(side, c.pair.apis[name], version, body)
        names = [g["group_id"] for g in call("list_groups", 2, {})["groups"]]
        for group in call("describe_groups", 5, {"groups": names})["groups"]:
            call("leave_group", 4, {
                "group_id": group["group_id"],
                "members": [{"member_id": m["member_id"],
                             "group_instance_id": m["group_instance_id"]}
                            for m in group["members"]]})
        call("delete_groups", 2, {"groups_names": names})


RECIPES = [
    (4, "join_group", new_group), (1, "join_group", second_member),
    (1, "join_group", static_again), (6, "heartbeat", heartbeat),
    (4, "sync_group", sync), (3, "leave_group", leave),
    (9, "offset_commit", offset_commit), (9, "offset_fetch", offset_fetch),
    (3, "offset_delete", offset_delete),
    (5, "describe_groups", describe_groups), (4, "list_groups", list_groups),
    (2, "delete_groups", delete_groups),
    (4, "find_coordinator", find_coordinator),
]
