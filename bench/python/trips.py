"""Interleaved rounds for checks that leave the process.

Everything runs for a moment of the wall clock, again and again. Figures are nanoseconds for one
check: of the wall clock, of this process's processor time, and for lone callers the median of
single checks. Small is fast, also where many run at once.
"""

import asyncio
import gc
import itertools
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import uvloop  # type: ignore[import-not-found, unused-ignore]

# Long enough to fill a pool of connections.
WARM_UP_NS = 500_000_000
KEYS = [f"user:{number}" for number in range(10_000)]


@dataclass(frozen=True)
class Moment:
    """What one contender did in one round."""

    checks: int
    single: float | None = None
    """Median nanoseconds of one check, where they were timed one by one."""


# Runs until the given time of `perf_counter_ns`.
Contender = Callable[[int], Moment]


def lone(call: Callable[[str], object], *, hot: bool = False) -> Contender:
    """Returns a contender that makes one call after the other, each timed."""
    keys = itertools.cycle(_shuffled(hot))

    def run(until: int) -> Moment:
        times = []
        before = time.perf_counter_ns()
        while before < until:
            call(next(keys))
            after = time.perf_counter_ns()
            times.append(after - before)
            before = after
        return Moment(len(times), median(times) if times else None)

    return run


def plain(call: Callable[[str], object], at_once: int = 64) -> Contender:
    """Returns a contender that makes calls about one key, and looks at the clock now and then."""

    def run(until: int) -> Moment:
        checks = 0
        while time.perf_counter_ns() < until:
            for _ in range(at_once):
                call("user:42")
            checks += at_once
        return Moment(checks)

    return run


def repeated(work: Callable[[], int]) -> Contender:
    """Returns a contender that repeats `work`, which says how many checks it made."""

    def run(until: int) -> Moment:
        checks = 0
        while time.perf_counter_ns() < until:
            checks += work()
        return Moment(checks)

    return run


def tasks(
    loop: asyncio.AbstractEventLoop,
    call: Callable[[str], Awaitable[Any]],
    count: int,
    *,
    hot: bool = False,
) -> Contender:
    """Returns a contender with `count` tasks, each of which awaits one call after the other."""
    keys = [itertools.cycle(_shuffled(hot)) for _ in range(count)]

    async def task(own: "itertools.cycle[str]", until: int) -> int:
        checks = 0
        while time.perf_counter_ns() < until:
            await call(next(own))
            checks += 1
        return checks

    async def together(until: int) -> int:
        return sum(await asyncio.gather(*(task(own, until) for own in keys)))

    def run(until: int) -> Moment:
        return Moment(loop.run_until_complete(together(until)))

    return run


def event_loops() -> dict[str, asyncio.AbstractEventLoop]:
    """Returns a new loop of each kind: asyncio's own, and uvloop's."""
    return {"asyncio": asyncio.new_event_loop(), "uvloop": uvloop.new_event_loop()}


def _shuffled(hot: bool) -> list[str]:
    return ["user:42"] if hot else random.sample(KEYS, len(KEYS))


def in_rounds(
    contenders: dict[str, Contender], rounds: int, moment_ns: int
) -> dict[str, dict[str, list[float]]]:
    """Returns nanoseconds per check, one figure for every round.

    By kind (`wall`, `cpu`, `single`), and then by contender.
    """
    rows: dict[str, dict[str, list[float]]] = {"wall": {}, "cpu": {}, "single": {}}
    for run in contenders.values():
        run(time.perf_counter_ns() + WARM_UP_NS)
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in contenders.items():
                wall, cpu = time.perf_counter_ns(), time.process_time_ns()
                moment = run(wall + moment_ns)
                wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
                checks = max(moment.checks, 1)
                rows["wall"].setdefault(name, []).append(wall / checks)
                rows["cpu"].setdefault(name, []).append(cpu / checks)
                if moment.single is not None:
                    rows["single"].setdefault(name, []).append(moment.single)
    finally:
        gc.enable()
    return rows
