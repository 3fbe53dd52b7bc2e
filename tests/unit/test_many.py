"""Many keys in one call answer as so many calls would."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from tidegate import ConfigError, Limiter
from tidegate._arguments import ALGORITHMS
from tidegate.testing import Clock, disabled

LIMITS = [f"{name}: 5/10s" for name in ALGORITHMS] + [
    "3/second; 20/minute",
    "leaky_bucket: 2/s queue 2s",
]


@pytest.mark.parametrize("limit", LIMITS)
def test_many_at_once_equal_one_after_the_other(limit: str) -> None:
    random = Random(7)
    clocks = [Clock(), Clock(), Clock()]
    singly, together, yes_or_no = (Limiter(limit, clock=clock) for clock in clocks)
    for _ in range(40):
        keys = [f"user:{random.randrange(9)}\u00e9" for _ in range(random.randrange(150))]
        cost = random.choice([0, 1, 1, 2, 9])

        expected = [singly.check(key, cost=cost) for key in keys]
        decisions = together.check_many(keys, cost=cost)

        assert [facts(decision) for decision in decisions] == [facts(one) for one in expected]
        assert yes_or_no.allow_many(keys, cost=cost) == [one.allowed for one in expected]
        for clock in clocks:
            clock.advance(0.37)


def facts(decision: Any) -> tuple[Any, ...]:
    names = "allowed limit remaining retry_after reset_after delay charged_at_ns rule reason key"
    return (*(getattr(decision, name) for name in names.split()), decision.headers("draft"))


def generated(keys: list[str]) -> Iterator[str]:
    yield from keys


# Each makes another kind of iterable of a list.
MAKERS: list[Callable[[list[str]], Any]] = [list, tuple, iter, dict.fromkeys, generated]


@pytest.mark.parametrize("make", MAKERS)
def test_any_iterable_of_keys_will_do(make: Callable[[list[str]], Any]) -> None:
    limiter = Limiter("1/minute", clock=Clock())

    assert limiter.allow_many(make(["ana", "bob"])) == [True, True]
    assert [bool(one) for one in limiter.check_many(make(["ana", "cid"]))] == [False, True]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["ana", 42], ["keys[1]", "str", "42"]),
        (["ana", "bob", ""], ["keys[2]", "empty"]),
        (["x" * 2000], ["keys[0]", "2000", "1024"]),
        ("ana", ["keys", "list of str", "'ana'"]),
        (b"ana", ["keys", "list of str"]),
        (5, ["keys", "iterable", "5"]),
        (None, ["keys", "None"]),
    ],
)
def test_a_bad_key_is_named_by_its_position_and_nothing_is_taken(
    keys: Any, words: list[str]
) -> None:
    limiter = Limiter("1/minute", clock=Clock())
    for method in (
        limiter.check_many,
        limiter.allow_many,
        limiter.acheck_many,
        limiter.aallow_many,
    ):
        with pytest.raises(ConfigError) as caught:
            method(keys)
        assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)

    assert limiter.allow("ana")


def test_an_error_of_the_iterable_is_passed_on() -> None:
    def keys() -> Any:
        yield "ana"
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        Limiter("1/minute").allow_many(keys())


def test_surrogates_are_keys_of_their_own() -> None:
    limiter = Limiter("1/minute", clock=Clock())

    assert limiter.allow_many(["\udc80", "\udc81", "\udc80"]) == [True, True, False]


def test_no_keys_are_no_answers() -> None:
    limiter = Limiter("1/minute")

    assert (limiter.check_many([]), limiter.allow_many([])) == ([], [])


async def test_the_awaited_twins_answer_alike() -> None:
    limiter = Limiter("2/minute", clock=Clock())

    first = await limiter.acheck_many(["ana", "ana"], cost=1)
    second = await limiter.aallow_many(["ana", "bob"], cost=2)

    assert [one.remaining for one in first] == [1, 0]
    assert second == [False, True]


@pytest.mark.parametrize("limit", ["1/minute", "1/minute; 5/hour"])
def test_disabled_limits_admit_many_and_take_nothing(limit: str) -> None:
    limiter = Limiter(limit, clock=Clock())
    with disabled():
        assert limiter.allow_many(["ana"] * 3) == [True] * 3
        assert all(limiter.check_many(["ana"] * 3))

    assert limiter.allow_many(["ana"] * 2) == [True, False]
