"""A store of one's own that fails: `on_store_error` decides, and the log hears of it."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tidegate import Decision, Gate, Limiter, RateLimitExceeded, Rule, StoreError, rate_limit

ALGORITHMS = [
    "gcra",
    "token_bucket",
    "leaky_bucket",
    "fixed_window",
    "sliding_window_log",
    "sliding_window_counter",
]


class MapStore:
    """Keeps states in a dictionary, until it is told to fail."""

    def __init__(self) -> None:
        self.states: dict[bytes, bytes] = {}
        self.error: BaseException | None = None

    def transact(self, keys: Sequence[bytes], step: Callable[..., Any]) -> None:
        """As `StateStore` has it; for one thread at a time."""
        if self.error is not None:
            raise self.error
        for key, write in zip(
            keys, step([self.states.get(key) for key in keys], time.time_ns()), strict=True
        ):
            if write is not None:
                self.states[key] = write[0]


def failing(store: MapStore) -> None:
    store.error = OSError("the disk is full")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("mode", "allowed", "reason"),
    [
        ("open", [True] * 5, None),
        ("closed", [False] * 5, "store_error"),
        # Two of four had been spent when the store last answered.
        ("local", [True, True, False, False, False], "limit"),
    ],
)
def test_the_mode_decides(
    algorithm: str, mode: str, allowed: list[bool], reason: str | None
) -> None:
    store = MapStore()
    limiter = Limiter(f"{algorithm}: 4/day", store=store, on_store_error=mode)
    assert limiter.check("ana", cost=2).remaining == 2
    failing(store)

    decisions = [limiter.check("ana") for _ in range(4)]
    decisions.append(asyncio.run(acheck(limiter)))

    assert [decision.allowed for decision in decisions] == allowed
    assert all(decision.degraded for decision in decisions)
    assert decisions[-1].reason == reason
    assert not limiter.peek("bob") or mode != "closed"

    store.error = None
    decision = limiter.check("ana")
    assert (decision.degraded, decision.allowed, decision.remaining) == (False, True, 1)


async def acheck(limiter: Limiter) -> Decision:
    return await limiter.acheck("ana")


def test_the_short_calls_follow_the_mode_too() -> None:
    store = MapStore()
    limiter = Limiter("2/day", store=store, on_store_error="closed")
    failing(store)
    assert not limiter.allow("a")
    assert limiter.allow_many(["a", "b"]) == [False, False]
    assert all(decision.degraded for decision in limiter.check_many(["a", "b"]))


def test_a_gate_and_a_decorated_function_follow_the_mode() -> None:
    store = MapStore()
    gate = Gate([Rule("all", "2/day", on_store_error="closed")], store=store)

    @rate_limit("2/day", store=store, on_store_error="closed")
    def work() -> None: ...

    failing(store)
    assert gate.admit().reason == "store_error"
    with pytest.raises(RateLimitExceeded) as caught:
        work()
    assert caught.value.decision.degraded
    with pytest.raises(StoreError, match="the disk is full"):
        gate.inspect("all")


def test_several_rules_each_by_its_own_mode() -> None:
    store = MapStore()
    rules = [Rule("a", "2/day", on_store_error="open"), Rule("b", "1/day")]
    gate = Gate(rules, store=store)
    failing(store)
    decisions = [gate.admit() for _ in range(2)]
    assert [decision.allowed for decision in decisions] == [True, False]
    assert decisions[1].rule == "b"


def test_the_log_hears_of_it_once_and_once_that_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="tidegate")
    store = MapStore()
    limiter = Limiter("9/day", store=store)
    for _ in range(3):
        failing(store)
        for _ in range(3):
            limiter.check("ana")
        assert limiter.store_stats()["health"] == "down"
        store.error = None
        limiter.check("ana")
        assert limiter.store_stats()["health"] == "up"

    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["WARNING", "INFO"]
    assert "MapStore.transact() raised OSError: the disk is full" in told[0][1]
    assert limiter.store_stats()["failures"] == 9


@pytest.mark.parametrize("mode", ["open", "local"])
def test_the_end_of_the_program_is_no_failure_of_the_store(mode: str) -> None:
    store = MapStore()
    limiter = Limiter("2/day", store=store, on_store_error=mode)
    store.error = SystemExit("stop")
    with pytest.raises(StoreError, match="SystemExit"):
        limiter.check("ana")


@pytest.mark.parametrize("call", ["reset", "refund", "debit"])
def test_what_could_not_be_changed_is_an_error(call: str) -> None:
    store = MapStore()
    limiter = Limiter("2/day", store=store, on_store_error="open")
    failing(store)
    with pytest.raises(StoreError, match="the disk is full"):
        getattr(limiter, call)("ana")
