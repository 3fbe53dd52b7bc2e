"""Runs the Rust program over all scenarios, and names its figures.

A check is in nanoseconds: with several threads, those of all of them together. A stall is in
nanoseconds for 64 consecutive checks. Memory is in bytes per living key, and as a share of
what the table was allowed.
"""

import json
from collections.abc import Iterator
from typing import Any

from bench import environment
from bench.effort import Effort

SLOT_BYTES = 16
LOADED = 1 << 24
FLOODED = 1 << 20
Figures = dict[str, list[float]]


def measure(effort: Effort) -> tuple[Figures, list[str]]:
    """Returns every figure of the engine, one for every round, and what is missing and why."""
    figures: Figures = {}
    often = [effort.rounds, effort.milliseconds]
    for keys in effort.keys:
        for row in _rows("checks", keys, "1,2" if keys in effort.threaded else "1", *often):
            name = f"rust.keys_{keys}.threads_{row['threads']}.{row['contender']}"
            figures[name] = row["ns"] or []
    for row in _rows("refusals", *often):
        figures[f"rust.refused.{row['contender']}"] = row["ns"] or []
    for room in (2_000_000, 16_000_000):
        for row in _rows("stall", 1_000_000, room, effort.stalls):
            name = f"rust.stall.room_{room}.{row['contender']}"
            figures.setdefault(name, []).append(row["longest"])
    notes = [f"{name}: a wrong answer, so no figure" for name in figures if not figures[name]]
    right = {name: row for name, row in figures.items() if row}
    return right | _memory(), notes


def _memory() -> Figures:
    figures: Figures = {}
    for contender in ("governor", "limiter_allow"):
        (row,) = _rows("memory", contender, LOADED * 7 // 10, LOADED)
        figures[f"rust.memory.bytes_per_key.{contender}"] = [row["bytes"] / row["live"]]
        (row,) = _rows("memory", contender, FLOODED * 10, FLOODED)
        share = row["bytes"] / (FLOODED * SLOT_BYTES)
        figures[f"rust.memory.flood_share.{contender}"] = [share]
    return figures


def _rows(*arguments: object) -> Iterator[dict[str, Any]]:
    print("bench: rust", *arguments)
    for line in environment.program(*arguments).splitlines():
        yield json.loads(line)
