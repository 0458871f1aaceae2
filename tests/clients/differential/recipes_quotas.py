"""Requests of client quotas. All are so high that nothing ever waits."""
HIGH = 1e12
RATES = {"producer_byte_rate": [HIGH, 2.0 ** 50, 1.5, 0.0, -1.0],
         "consumer_byte_rate": [HIGH, 2.0 ** 50, 0.5, -1.0],
         "request_percentage": [1e6, 123456.75, 0.0, -2.5],
         "controller_mutation_rate": [1e9, 98765432.125, 0.0],
         "connection_creation_rate": [1e6, 1e6, 1.5, 0.0],
         "no_such_rate": [1.0]}


def entity(c):
    """Mostly one that may have quotas."""
    def one(kind, *names):
        return {"entity_type": kind, "entity_name": c.rng.choice(names)}
    user = one("user", "alice", "bob", None, c.prefix + "u", "a b/%")
    client = one("client-id", "other", "x", None, c.prefix + "c")
    address = one("ip", "192.0.2.7", "192.0.2.8", None, "not an address")
    return c.rng.choice([
        [user], [user], [client], [client], [user, client], [client, user],
        [address], [address], [], [user, address], [user, user],
        [one("nonsense", "x", None)], [one("user", "")]])


def operation(c):
    key = c.rng.choice(sorted(RATES))
    # The first values are right ones.
    values = RATES[key]
    return {"key": key, "value": values[0] if c.rng.random() < 0.6
            else c.rng.choice(values), "remove": c.rng.random() < 0.25}


def alter(c):
    return c.ask("alter_client_quotas", {
        "entries": [{"entity": entity(c), "ops": [
            operation(c) for _ in range(c.rng.choice([1, 1, 1, 2, 0]))]}
            for _ in range(c.rng.choice([1, 1, 1, 2, 0]))],
        "validate_only": c.rng.random() < 0.2}, kept=("value",))


def describe(c):
    def component():
        return {"entity_type": c.rng.choice(
            ["user", "user", "client-id", "client-id", "ip", "", "other"]),
            "match_type": c.rng.choice([0, 0, 1, 2, 2, 3, -1]),
            "match": c.rng.choice(["alice", "x", "other", "192.0.2.7",
                                   c.prefix + "u", None, ""])}
    return c.ask("describe_client_quotas", {
        "components": [component()
                       for _ in range(c.rng.choice([0, 1, 1, 1, 2]))],
        "strict": c.rng.random() < 0.5})


def quiesce(c):
    """No quota stays on either side."""
    if not c.has("alter_client_quotas"):
        return
    for side in (0, 1):
        def call(name, body):
            return c.pair.one(side, c.pair.apis[name], 1, body)
        found = call("describe_client_quotas", {"components": [],
                                                "strict": False})
        if found["entries"]:
            call("alter_client_quotas", {"entries": [
                {"entity": e["entity"], "ops": [
                    {"key": v["key"], "value": 0.0, "remove": True}
                    for v in e["values"]]} for e in found["entries"]]})


RECIPES = [
    (3, "alter_client_quotas", alter), (3, "describe_client_quotas", describe),
]
