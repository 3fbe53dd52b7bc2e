"""Runs the Rust examples that measure one connection to a server, and names their figures.

A check is in nanoseconds of the wall clock, but below `server`, where it is processor time of
Redis. Each figure is a median that the example itself has taken.
"""

import re

from bench import environment

Figures = dict[str, list[float]]

_LONE = re.compile(r"raw socket ([\d.]+) us, link ([\d.]+) us")
_BATCH = re.compile(r"(\d+) checks of as many subjects: (\d+) us")
_SERVER = re.compile(
    r"one check ([\d.]+) us, smallest script ([\d.]+) us, (\d+) checks in one call ([\d.]+) us"
)
# What the rows of PostgreSQL's table are called here.
_ROWS = {
    "SELECT 1, one at a time": "select",
    "UPSERT, one at a time": "upsert",
    "exchange of 1": "exchange",
    "64 UPSERTs, pipelined": "upsert_64",
    "exchange of 64": "exchange_64",
}


def measure() -> Figures:
    """Returns every figure of the two examples."""
    print("bench: stores, in Rust")
    figures = redis(environment.example("tidegate-redis", "latency"))
    figures |= postgres(environment.example("tidegate-postgres", "latency"))
    return {f"stores.rust.{name}": [figure] for name, figure in figures.items()}


def redis(text: str) -> dict[str, float]:
    """Reads what the example of Redis prints."""
    raw, link = _found(_LONE, text)
    many, batch = _found(_BATCH, text)
    one, smallest, together, call = _found(_SERVER, text)
    return {
        "redis.raw": raw * 1e3,
        "redis.link": link * 1e3,
        "redis.link_64": batch * 1e3 / many,
        "redis.server.one": one * 1e3,
        "redis.server.smallest": smallest * 1e3,
        "redis.server.batch": call * 1e3 / together,
    }


def postgres(text: str) -> dict[str, float]:
    """Reads what the example of PostgreSQL prints: a table of median times and rates."""
    figures = {}
    for line in text.splitlines():
        label, *numbers = re.split(r" {2,}", line.strip())
        if label in _ROWS:
            figures[f"postgres.{_ROWS[label]}"] = 1e9 / float(numbers[-1])
    if len(figures) < len(_ROWS):
        raise ValueError(f"the example prints other rows than {list(_ROWS)}: {text}")
    return figures


def _found(pattern: re.Pattern[str], text: str) -> list[float]:
    found = pattern.search(text)
    if found is None:
        raise ValueError(f"the example prints nothing like {pattern.pattern!r}: {text}")
    return [float(number) for number in found.groups()]
