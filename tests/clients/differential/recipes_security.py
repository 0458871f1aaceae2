"""Requests about who may do what, of servers that nobody has asked to look:
there is no authorizer; passwords of users (KIP-554) are kept all the same."""
from pair import ANSWERED

SHA_256, SHA_512 = 1, 2
ANY, MATCH, LITERAL, PREFIXED = 1, 2, 3, 4


# What it does not know Kafka answers by closing the connection: nothing else is
# wrong in requests about access.
def pattern(c, names):
    return {"resource_type" + names: c.rng.choice([1, 2, 2, 3, 4, 5]),
            "resource_name" + names: c.rng.choice(
                [c.some_topic().name, "*", "x", c.prefix])}


def entry(c):
    return {"host": c.rng.choice(["*", "127.0.0.1", ""]),
            "operation": c.rng.choice([1, 2, 3, 4, 8, 12]),
            "permission_type": c.rng.choice([1, 2, 3, 3])}


def create_acls(c):
    return c.ask("create_acls", {"creations": [{
        **pattern(c, ""), **entry(c),
        "resource_pattern_type": c.rng.choice([LITERAL, LITERAL, PREFIXED]),
        "principal": c.rng.choice(["User:alice", "User:*", "alice", ""])}
        for _ in range(c.rng.choice([1, 1, 2, 0]))]}, wrong=0)


def some_filter(c):
    one = {**pattern(c, "_filter"), **entry(c)}
    return {**one, "host_filter": c.rng.choice([None, one.pop("host")]),
            "pattern_type_filter": c.rng.choice([ANY, MATCH, LITERAL,
                                                 PREFIXED]),
            "principal_filter": c.rng.choice([None, "User:alice", "alice"])}


def describe_acls(c):
    return c.ask("describe_acls", some_filter(c), wrong=0)


def delete_acls(c):
    return c.ask("delete_acls", {"filters": [
        some_filter(c) for _ in range(c.rng.choice([1, 1, 2, 0]))]}, wrong=0)


def some_user(c):
    return c.rng.choice([c.prefix + "u1", c.prefix + "u2", c.prefix + "u3",
                         "nobody", ""])


def alter_passwords(c):
    users = c.rng.sample([c.prefix + "u1", c.prefix + "u2", "", "u" * 300],
                         c.rng.choice([1, 1, 1, 2]))
    mechanism = c.rng.choice([SHA_256, SHA_256, SHA_512, 0, 3])
    deletions = [{"name": user, "mechanism": mechanism} for user in users
                 if c.rng.random() < 0.3]
    size = {SHA_256: 32, SHA_512: 64}.get(mechanism, 32)
    upsertions = [{
        "name": user, "mechanism": mechanism,
        "iterations": c.rng.choice([4096, 8192, 16384, 4095, 16385, 0, -1]),
        "salt": c.rng.choice([b"salt", b"s" * 20, b""]),
        "salted_password": c.rng.choice(
            [b"p" * size, b"p" * size, b"p" * (size - 1), b""])}
        for user in users if c.rng.random() < 0.7]
    answer = c.ask("alter_user_scram_credentials", {
        "deletions": deletions, "upsertions": upsertions})
    if answer.how == ANSWERED:
        c.settle()
    return answer


def describe_passwords(c):
    return c.ask("describe_user_scram_credentials", {
        "users": c.rng.choice([None, [], *([{"name": some_user(c)} for _ in
                                            range(n)] for n in (1, 1, 2))])})


def quiesce(c):
    """No user keeps a password, on either side."""
    if not c.has("alter_user_scram_credentials"):
        return
    for side in (0, 1):
        def call(name, body):
            return c.pair.one(side, c.pair.apis[name], 0, body)
        found = call("describe_user_scram_credentials", {"users": None})
        deletions = [{"name": user["user"], "mechanism": known["mechanism"]}
                     for user in found["results"]
                     for known in user["credential_infos"]]
        if deletions:
            call("alter_user_scram_credentials",
                 {"deletions": deletions, "upsertions": []})


RECIPES = [
    (1, "describe_acls", describe_acls), (1, "create_acls", create_acls),
    (1, "delete_acls", delete_acls),
    (2, "alter_user_scram_credentials", alter_passwords),
    (3, "describe_user_scram_credentials", describe_passwords),
]
