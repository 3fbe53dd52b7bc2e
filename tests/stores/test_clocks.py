"""The store's clock decides, and clients whose own clocks are an hour wrong notice nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tidegate import Decision, Limiter

ALGORITHMS = [
    "gcra",
    "token_bucket",
    "leaky_bucket",
    "fixed_window",
    "sliding_window_log",
    "sliding_window_counter",
]
HOUR = 3600
# Tells what its clocks show, and then decides whatever it is asked about.
CLIENT = """
import json, sys, time
from tidegate import Limiter

print(json.dumps([time.time(), time.monotonic()]), flush=True)
limiters = {}
for line in sys.stdin:
    store, limit, key = json.loads(line)
    limiter = limiters.setdefault(limit, Limiter(limit, store=store))
    decision = limiter.check(key)
    told = [decision.degraded, decision.allowed, decision.remaining, decision.retry_after]
    print(json.dumps(told), flush=True)
"""


def told(decision: Decision) -> list[Any]:
    """What a decision says, as a client tells it."""
    return [decision.degraded, decision.allowed, decision.remaining, decision.retry_after]


def faketime() -> Path:
    """The library that tells a program another time."""
    for found in sorted(Path("/usr").glob("lib*/**/faketime/libfaketime.so.1")):
        return found
    raise AssertionError("libfaketime is missing; install the Debian package libfaketime")


class Client:
    """A process that checks; its clocks are `skew` seconds ahead."""

    def __init__(self, skew: int, *, monotonic: bool) -> None:
        fake = {
            "LD_PRELOAD": str(faketime()),
            "FAKETIME": f"{skew:+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "0" if monotonic else "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT],
            env={**os.environ, **fake},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.wall, self.monotonic = self._hear()

    def check(self, *question: str) -> list[Any]:
        """The decision on a store, a limit and a key, as `told` has it."""
        assert self.process.stdin is not None
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return self._hear()

    def _hear(self) -> list[Any]:
        assert self.process.stdout is not None
        heard: list[Any] = json.loads(self.process.stdout.readline())
        return heard

    def close(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def client(skew: int, *, monotonic: bool) -> Iterator[Client]:
    running = Client(skew, monotonic=monotonic)
    try:
        yield running
    finally:
        running.close()


def period() -> int:
    """About an hour, in seconds, of which a window does not end during the test."""
    return next(length for length in (3600, 3660, 3720) if length - time.time() % length > 90)


@pytest.mark.parametrize("clocks", ["wall", "wall and monotonic"])
@pytest.mark.parametrize("skew", [HOUR, -HOUR])
def test_two_clients_an_hour_apart_are_decided_as_one(store: str, skew: int, clocks: str) -> None:
    seconds = period()
    with client(skew, monotonic=clocks != "wall") as wrong:
        # It does see another time.
        assert abs(wrong.wall - time.time() - skew) < 30
        assert (abs(wrong.monotonic - time.monotonic()) > 30) == (clocks != "wall")
        for algorithm in ALGORITHMS:
            limit = f"{algorithm}: 6/{seconds}s"
            # Names for one algorithm share counts.
            mixed_key, single_key = f"{algorithm}:mixed", f"{algorithm}:alone"
            with Limiter(limit, store=store) as right, Limiter(limit, store=store) as alone:
                pairs = []
                for turn in range(10):
                    mixed = (
                        wrong.check(store, limit, mixed_key)
                        if turn % 2
                        else told(right.check(mixed_key))
                    )
                    pairs.append((mixed, told(alone.check(single_key))))
            for (*mixed, wait), (*single, expected) in pairs:
                assert mixed == single, (algorithm, pairs)
                assert wait == pytest.approx(expected, abs=2), (algorithm, pairs)
            assert [single[1] for _, single in pairs] == [True] * 6 + [False] * 4
            assert not any(mixed[0] for mixed, _ in pairs)


@pytest.mark.parametrize("skew", [HOUR, -HOUR])
def test_a_wrong_clock_alone_does_not_change_what_comes_back(store: str, skew: int) -> None:
    # A unit comes back every tenth of a second, by the clock of the server.
    limit = "10/second burst 2"
    with client(skew, monotonic=False) as wrong, Limiter(limit, store=store) as right:
        while wrong.check(store, limit, "a")[1]:
            pass
        *_, wait = wrong.check(store, limit, "a")
        assert 0 <= wait <= 0.2
        assert right.acquire("a", timeout=5)
        deadline = time.monotonic() + 5
        while not wrong.check(store, limit, "a")[1]:
            assert time.monotonic() < deadline
