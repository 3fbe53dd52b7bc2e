"""What one check costs in process, and what `import tidegate` adds to a start.

A check is set against a call of an extension method that does next to nothing, so that the
difference is what the decision costs. The import is set against a bare start of the
interpreter. Every figure is the median of interleaved rounds, so that a machine which slows
down meanwhile slows all of them down alike.

Measures one thread of a process that does nothing else. Says nothing about contention,
frameworks or other libraries.
"""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from tidegate import Limiter
from tidegate.testing import Clock

ROUNDS = 20
CALLS = 50_000
KEYS = 10_000

T = TypeVar("T")


def main() -> None:
    """Measures, and prints two tables and the conditions."""
    print(f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} CPUs;")
    print(f"release build, one thread, real clock; medians of {ROUNDS} interleaved rounds")
    _print_table(f"a call, over {CALLS:,} calls, the loop included", _calls(), "ns", 1e9)
    _print_table("a start of the interpreter", _starts(), "ms", 1e3)


def _calls() -> dict[str, float]:
    allowing, refusing = Limiter("1000000000/second"), Limiter("1/hour")
    refusing.check("key")
    same = ["key"] * CALLS
    several = [f"user:{number % KEYS}" for number in range(CALLS)]
    nothing = [0] * CALLS
    return _medians(
        {
            "bare method of the extension": lambda: _each(Clock().advance_ns, nothing),
            "check, allowed, one key": lambda: _each(allowing.check, same),
            f"check, allowed, {KEYS:,} keys": lambda: _each(allowing.check, several),
            "check, refused, one key": lambda: _each(refusing.check, same),
            "allow, allowed, one key": lambda: _each(allowing.allow, same),
        }
    )


def _each(call: Callable[[T], object], arguments: Sequence[T]) -> float:
    start = time.perf_counter()
    for argument in arguments:
        call(argument)
    return (time.perf_counter() - start) / len(arguments)


def _starts() -> dict[str, float]:
    medians = _medians(
        {
            "bare": lambda: _start("pass"),
            "with `import tidegate`": lambda: _start("import tidegate"),
        }
    )
    bare, with_import = medians.values()
    return medians | {"the import alone": with_import - bare}


def _start(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def _medians(measures: dict[str, Callable[[], float]]) -> dict[str, float]:
    for measure in measures.values():
        measure()  # once to warm up
    rounds = [{name: measure() for name, measure in measures.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(row[name] for row in rounds) for name in measures}


def _print_table(title: str, figures: dict[str, float], unit: str, per_second: float) -> None:
    print(f"\n{title}")
    for name, seconds in figures.items():
        print(f"  {name:<32}{seconds * per_second:>10.1f} {unit}")


if __name__ == "__main__":
    main()
