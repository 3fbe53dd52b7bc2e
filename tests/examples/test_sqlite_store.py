"""The store of one's own in `examples/` counts exactly, and its failures are told."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from examples.sqlite_store import SQLiteStore
from tidegate import ConfigError, Limiter, StoreError

ROOT = Path(__file__).resolve().parents[2]


def test_four_processes_are_admitted_exactly_as_often_as_the_limit_allows() -> None:
    run = subprocess.run(
        [sys.executable, "examples/sqlite_store.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert run.stdout.startswith("100 of 400 requests were admitted"), run.stdout + run.stderr


@pytest.mark.parametrize(
    "algorithm",
    ["gcra", "fixed_window", "sliding_window_counter", "sliding_window_log"],
)
def test_every_algorithm_counts(algorithm: str, tmp_path: Path) -> None:
    limiter = Limiter("3/hour", algorithm=algorithm, store=SQLiteStore(tmp_path / "limits"))

    assert [limiter.allow("ana") for _ in range(5)] == [True, True, True, False, False]
    assert limiter.check("ana").retry_after > 0
    limiter.refund("ana", cost=1)
    assert limiter.peek("ana").remaining == 1
    limiter.reset("ana")
    assert limiter.check("ana", cost=2).remaining == 1
    assert limiter.allow("bob")


def test_several_limits_take_all_or_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "limits")
    limiter = Limiter("5/hour; 2/minute", store=store)

    assert [limiter.allow("ana") for _ in range(4)] == [True, True, False, False]
    assert Limiter("5/hour; 2/minute", store=store).peek("ana").remaining == 0


async def test_an_awaited_check_runs_in_a_thread(tmp_path: Path) -> None:
    limiter = Limiter("2/hour", store=SQLiteStore(tmp_path / "limits"))

    assert [await limiter.aallow("ana") for _ in range(3)] == [True, True, False]
    assert (await limiter.acheck("ana")).remaining == 0
    assert await limiter.aallow_many(["bob", "bob", "bob"]) == [True, True, False]


class Failing:
    """Stores that do not do what they should."""

    def __init__(self, transact: Callable[..., None]) -> None:
        self.transact = transact


def _raises(keys: Sequence[bytes], step: Callable[..., object]) -> None:
    raise sqlite3.OperationalError("database is locked")


def _forgets(keys: Sequence[bytes], step: Callable[..., object]) -> None:
    pass


def _confuses(keys: Sequence[bytes], step: Callable[..., object]) -> None:
    step([b"something else"] * len(keys), 0)


@pytest.mark.parametrize(
    ("transact", "words"),
    [
        (_forgets, "did not call `step`"),
        (_confuses, "none of tidegate's"),
    ],
)
def test_a_store_that_breaks_its_contract_is_named_with_what_it_did(
    transact: Callable[..., None], words: str
) -> None:
    limiter = Limiter("2/hour", store=Failing(transact))

    with pytest.raises(StoreError, match=words) as caught:
        limiter.check("ana")

    assert "Failing" in str(caught.value)


def test_a_locked_database_is_no_error_of_who_asks() -> None:
    decision = Limiter("2/hour", store=Failing(_raises)).check("ana")

    assert decision.degraded
    assert decision.allowed


def test_what_is_no_store_is_refused() -> None:
    with pytest.raises(ConfigError, match="`store` must be text, got 42"):
        Limiter("2/hour", store=42)  # type: ignore[arg-type]
