"""Interleaved rounds: everything runs for a moment, again and again.

A machine that slows down meanwhile slows all of it down alike, so that ratios hold. Times are
nanoseconds of this thread's processor time: what other programs take is not counted.
"""

import asyncio
import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

_LOOP = """
def run(keys):
    begun = thread_time_ns()
    for key in keys:
        {statement}
    return thread_time_ns() - begun
"""
_BATCHES = """
def run(keys):
    batches = [keys[start:start + 64] for start in range(0, len(keys), 64)]
    begun = thread_time_ns()
    for keys in batches:
        {statement}
    return thread_time_ns() - begun
"""
_ASYNC_LOOP = """
async def run_async(keys):
    begun = thread_time_ns()
    for key in keys:
        {statement}
    return thread_time_ns() - begun

def run(keys):
    return run_until_complete(run_async(keys))
"""


@dataclass(frozen=True)
class Effort:
    """Rounds, and nanoseconds for one subject in one round."""

    rounds: int
    moment_ns: int


# Handles the keys one after the other; returns the nanoseconds that it took.
Subject = Callable[[list[str]], int]


def each(statement: str, **names: object) -> Subject:
    """Returns a subject that runs `statement` with every `key`, written out into its loop."""
    return _compiled(_LOOP, statement, names)


def each_batch(statement: str, **names: object) -> Subject:
    """Returns a subject that runs `statement` with lists of 64 `keys`."""
    return _compiled(_BATCHES, statement, names)


def each_awaited(statement: str, **names: object) -> Subject:
    """Returns a subject that runs `statement` with every `key` in a coroutine."""
    loop = asyncio.new_event_loop()
    return _compiled(
        _ASYNC_LOOP, statement, {**names, "run_until_complete": loop.run_until_complete}
    )


def timed(call: Callable[[list[str]], object]) -> Subject:
    """Returns a subject that hands all keys to `call` at once."""

    def run(keys: list[str]) -> int:
        begun = time.thread_time_ns()
        call(keys)
        return time.thread_time_ns() - begun

    return run


def _compiled(template: str, statement: str, names: dict[str, object]) -> Subject:
    scope = {**names, "thread_time_ns": time.thread_time_ns}
    exec(compile(template.format(statement=statement), f"<{statement}>", "exec"), scope)
    run: Subject = scope["run"]  # type: ignore[assignment]
    return run


def in_rounds(
    subjects: dict[str, Subject], draw: Callable[[], list[str]], effort: Effort
) -> dict[str, list[float]]:
    """Returns nanoseconds per key, by subject, one figure for every round."""
    gc.collect()
    gc.disable()
    try:
        for subject in subjects.values():
            _moment(subject, draw, effort.moment_ns)
        rows = [
            {name: _moment(subject, draw, effort.moment_ns) for name, subject in subjects.items()}
            for _ in range(effort.rounds)
        ]
    finally:
        gc.enable()
    return {name: [row[name] for row in rows] for name in subjects}


def _moment(subject: Subject, draw: Callable[[], list[str]], moment_ns: int) -> float:
    subject(draw())  # brings the subject's own memory back into the cache
    busy = done = 0
    while busy < moment_ns:
        keys = draw()
        busy += subject(keys)
        done += len(keys)
    return busy / done


def pin() -> None:
    """Keeps this process on the last core that it may use; the first serves most interrupts."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
