"""What is measured: one row for each promise, as data."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One number of a load, and what Millrace must reach."""
    name: str           # as millrace_load prints it
    unit: str
    target: float       # Millrace divided by the base
    at_least: bool = False
    scale: float = 1.0  # from what is printed to the unit

    def reached(self, ratio):
        return ratio >= self.target if self.at_least else ratio <= self.target

    def promise(self):
        return f"{'>=' if self.at_least else '<='} {self.target:g} x"


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    load: str           # produce or fetch
    options: dict
    figures: tuple
    partitions: int = 1
    # What Millrace is compared with: floor, floor_sync, kafka.
    base: str = "floor"
    # Bytes of batches that are written before a fetch.
    fill: dict = field(default_factory=dict)

    def durable(self):
        return self.options.get("acks") == -1


_BATCHES = {"records": 1000, "in-flight": 8}
_SPREAD = {"records": 10, "connections": 4, "in-flight": 32}
_CPU_GB = "server CPU s/GB"
_CPU_REQUEST = "server CPU us/request"

ROWS = (
    Row("batches", "produce 1000x100 B batches, 8 in flight, acks=1",
        "produce", {**_BATCHES, "requests": 2000, "acks": 1},
        (Figure("cpu_s_per_gb", _CPU_GB, 1.2),)),
    Row("small", "produce 1x100 B, 64 in flight, acks=1",
        "produce",
        {"records": 1, "in-flight": 64, "requests": 80000, "acks": 1},
        (Figure("cpu_us_per_request", _CPU_REQUEST, 1.5),)),
    Row("spread", "produce 10x100 B over 100 partitions, 4 x 32 in flight, "
        "acks=1",
        "produce", {**_SPREAD, "requests": 60000, "acks": 1},
        (Figure("cpu_us_per_request", _CPU_REQUEST, 1.3),), partitions=100),
    Row("spread_durable", "the same, acks=all, on disk",
        "produce", {**_SPREAD, "requests": 500, "acks": -1},
        (Figure("requests_per_s", "requests/s", 2.0, True),),
        partitions=100, base="floor_sync"),
    Row("lone", "one small produce at a time, acks=1",
        "produce",
        {"records": 1, "in-flight": 1, "requests": 10000, "acks": 1},
        (Figure("p50_us", "p50 us", 1.8), Figure("p99_us", "p99 us", 2.5))),
    Row("batches_durable", "produce 1000x100 B batches, 8 in flight, "
        "acks=all, on disk",
        "produce", {**_BATCHES, "requests": 1500, "acks": -1},
        (Figure("mb_per_s", "MB/s", 1.2, True),), base="floor_sync"),
    Row("batches_unflushed_kafka", "the same against a Kafka that does not "
        "flush",
        "produce", {**_BATCHES, "requests": 1500, "acks": -1},
        (Figure("mb_per_s", "MB/s", 1.0, True),), base="kafka"),
    Row("small_durable", "produce 1x100 B, 64 in flight, acks=all, on disk",
        "produce",
        {"records": 1, "in-flight": 64, "requests": 20000, "acks": -1},
        (Figure("requests_per_s", "requests/s", 0.9, True),),
        base="floor_sync"),
    Row("lone_durable", "one small produce at a time, acks=all, on disk",
        "produce",
        {"records": 1, "in-flight": 1, "requests": 500, "acks": -1},
        (Figure("p50_us", "p50 us", 1.6), Figure("p99_us", "p99 us", 1.6)),
        base="floor_sync"),
    Row("lz4", "produce 1000x100 B batches by lz4, 8 in flight, acks=1",
        "produce", {**_BATCHES, "codec": "lz4", "requests": 3000, "acks": 1},
        (Figure("cpu_s_per_gb", _CPU_GB, 0.5),), base="kafka"),
    Row("zstd", "produce 1000x100 B batches by zstd, 8 in flight, acks=1",
        "produce", {**_BATCHES, "codec": "zstd", "requests": 3000, "acks": 1},
        (Figure("cpu_s_per_gb", _CPU_GB, 0.5),), base="kafka"),
    Row("fetch", "fetch 1 MiB at a time",
        "fetch", {"bytes": 1 << 30},
        (Figure("cpu_s_per_gb", _CPU_GB, 1.3),),
        fill={**_BATCHES, "requests": 1000, "acks": 1}),
)
