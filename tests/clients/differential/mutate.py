"""Makes wrong requests out of right ones."""
import copy

# Not touched: with these a request waits, or makes a server do work that the
# stream would have to wait for. Recipes choose them among what does not.
FROZEN = {"timeout_ms", "max_wait_ms", "min_bytes", "session_timeout_ms",
          "rebalance_timeout_ms", "num_partitions", "count", "acks",
          "voter_id", "broker_id", "transaction_timeout_ms", "records",
          "config_operation", "replica_id", "replica_state",
          "metadata"}  # of consumers, which Kafka is silent about if wrong
RANGES = {"int8": 7, "int16": 15, "int32": 31, "int64": 63}
TEXTS = ("", "x", " ", ".", "..", "a b", "a/b", "x" * 249, "x" * 250,
         "y" * 3000, "\u00e9\u4e16", "-1", "a\0b", "__consumer_offsets",
         b"\xff\xfe")


def sites(plans, value, out, kept=frozenset()):
    """Every (holder, key, field) of a request's value that can be changed."""
    for plan in plans:
        if plan.name in FROZEN:
            continue
        if plan.name not in value:
            value[plan.name] = copy.deepcopy(plan.default)
        found = value[plan.name]
        if plan.name not in kept:
            out.append((value, plan.name, plan))
        if plan.fields is not None:
            for element in found if plan.is_array and found else \
                    [found] if isinstance(found, dict) else []:
                sites(plan.fields, element, out, kept)
        elif plan.is_array and found:
            out += [(found, i, _element(plan)) for i in range(len(found))]


def _element(plan):
    element = copy.copy(plan)
    element.is_array = False
    return element


def other(rng, plan, value):
    """Something else of the same type, at its borders for preference."""
    if plan.is_array:
        # Null, also where there may be none.
        choices = [None, []]
        # A protocol that is named twice has two votes in Kafka.
        if value and plan.name == "protocols":
            choices += [value[1:], value[::-1]]
        elif value:
            choices += [value + [copy.deepcopy(value[0])], value[1:],
                        value[::-1]]
        return rng.choice(choices)
    if plan.fields is not None:
        return None if plan.nullable else value
    if plan.name == "resource_type":
        # Groups (32) and client metrics (16) have no configurations yet.
        return rng.choice([0, 1, 2, 3, 4, 5, 64, 127, -1])
    if plan.name == "producer_id_filters":
        # What the one server has not given out yet, the other may have.
        return rng.choice([-1, -2, 1 << 62])
    if plan.base in RANGES:
        bits = RANGES[plan.base]
        number = rng.choice([0, 1, 2, -1, -2, -3, (1 << bits) - 1, -(1 << bits),
                             (value or 0) + 1, (value or 0) - 1,
                             rng.randrange(1 << bits)])
        return max(-(1 << bits), min((1 << bits) - 1, number))
    if plan.base == "float64":
        return rng.choice([0.0, -1.0, 1.5, 1e18, float("inf")])
    if plan.base == "bool":
        return not value
    if plan.base == "uuid":
        return rng.choice([bytes(16), bytes(15) + b"\1", rng.randbytes(16)])
    if plan.base == "bytes":
        return rng.choice([None, b"", rng.randbytes(9), (value or b"")[:-1]])
    return rng.choice([None, *TEXTS, (value or "") + "x"]) \
        if isinstance(value, (str, type(None))) else ""


def mutated(rng, message, body, kept=frozenset()):
    """A copy of the body with one or two values changed, but no field of the
    names in `kept`; what stands in such a list may change."""
    body = copy.deepcopy(body)
    for _ in range(rng.choice([1, 1, 2])):
        found = []
        sites(message.fields, body, found, kept)
        if not found:
            break
        holder, key, plan = rng.choice(found)
        holder[key] = other(rng, plan, holder[key])
    if message.flexible and rng.random() < 0.1:
        body["_tags"] = [(rng.choice([7, 100, 1 << 20]), rng.randbytes(3))]
    return body


def broken(rng, frames):
    """Two frames of one request, spoiled in the same way."""
    how = rng.choice(["cut", "more", "flip", "version", "api", "short"])
    left, right = map(bytearray, frames)
    if how == "cut":
        n = rng.randrange(1, 12)
        left, right = left[:-n], right[:-n]
    elif how == "more":
        extra = rng.randbytes(rng.randrange(1, 9))
        left += extra
        right += extra
    elif how == "flip" or how == "short":
        # In what both have at the same place: the client's name. It may be
        # longer than all that comes, but not so that all that comes is moved:
        # a fetch would be that of a replica, which only Kafka's nodes send.
        at = rng.choice([8, 10]) if how == "flip" else 0
        if how == "short":
            n = rng.randrange(0, 10)
            left, right = left[:n], right[:n]
        else:
            value = rng.randrange(1, 128)
            left[at] = right[at] = value
    elif how == "version":
        value = rng.choice([20, 99, 0x7F, 0xFF]).to_bytes(1, "big")
        left[2:4] = right[2:4] = (b"\xff" if value == b"\xff" else b"\0") \
            + value
    else:
        value = rng.choice([4, 5, 6, 7, 93, 200, 1000, 0x7FFF, 0xFFFF])
        left[0:2] = right[0:2] = value.to_bytes(2, "big")
    return bytes(left), bytes(right)
