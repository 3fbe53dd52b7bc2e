"""A limiter as users make and ask it. What an algorithm decides is tested in Rust."""

from datetime import timedelta

import pytest

from tidegate import Limiter
from tidegate._arguments import ALGORITHMS
from tidegate.testing import Clock


def test_a_check_takes_and_a_peek_does_not() -> None:
    limiter = Limiter("3/minute", clock=Clock())

    looked = limiter.peek("ana")
    taken = limiter.check("ana", cost=2)

    assert (looked.allowed, looked.remaining) == (True, 3)
    assert (taken.allowed, taken.remaining) == (True, 1)


def test_a_refusal_says_how_long_to_wait_and_the_wait_is_exact() -> None:
    clock = Clock()
    limiter = Limiter("2/minute", name="login", clock=clock)
    limiter.check("ana", cost=2)

    refused = limiter.check("ana")
    clock.advance_ns(round(refused.retry_after * 1e9) - 1)
    early = limiter.allow("ana")
    clock.advance_ns(1)
    due = limiter.allow("ana")

    assert not refused
    assert (refused.rule, refused.key, refused.reason) == ("login", "ana", "limit")
    assert refused.retry_after == 30.0
    assert (early, due) == (False, True)


def test_keys_are_counted_apart() -> None:
    limiter = Limiter("1/minute", clock=Clock())

    assert [limiter.allow(key) for key in ("ana", "bob", "ana")] == [True, True, False]


def test_two_limits_are_all_or_nothing() -> None:
    clock = Clock()
    limiter = Limiter("2/second; 3/hour", clock=clock)
    spent = [limiter.allow("ana") for _ in range(3)]
    clock.advance(1)

    assert spent == [True, True, False]
    assert [limiter.allow("ana") for _ in range(2)] == [True, False]


def test_a_whole_number_is_units_per_second() -> None:
    assert Limiter(5).limit == Limiter("5/second").limit


@pytest.mark.parametrize("period", [300, 300.0, timedelta(minutes=5), "5m", "300s", " 5 minutes "])
def test_a_period_may_be_seconds_a_timedelta_or_text(
    period: float | timedelta | str,
) -> None:
    limiter = Limiter(requests=5, period=period, burst=10, algorithm="token_bucket")

    assert limiter.limit == Limiter("token_bucket: 5/5m burst 10").limit


def test_a_period_below_a_second_is_kept_exactly() -> None:
    assert Limiter(requests=1, period=0.0015).limit == Limiter("1/1500us").limit


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_is_known_by_its_name(algorithm: str) -> None:
    limiter = Limiter("5/minute", algorithm=algorithm)

    assert limiter.limit == Limiter(f"{algorithm}: 5/minute").limit


def test_an_algorithm_holds_for_every_limit_of_the_string() -> None:
    limiter = Limiter("10/second, 5/minute", algorithm="fixed_window")

    assert limiter.limit == Limiter("fixed_window: 10/second; fixed_window: 5/minute").limit


def test_a_limit_of_zero_refuses_everything() -> None:
    assert not Limiter("0/minute").allow("ana")
    assert not Limiter(0).allow("ana")


def test_a_cost_above_what_can_ever_pass_is_never() -> None:
    decision = Limiter("5/minute").check("ana", cost=6)

    assert (decision.allowed, decision.reason) == (False, "never")
    assert decision.retry_after == float("inf")


def test_refund_debit_and_reset_change_the_count() -> None:
    limiter = Limiter("5/minute", clock=Clock())
    limiter.check("ana", cost=3)

    limiter.refund("ana", cost=2)
    refunded = limiter.peek("ana").remaining
    limiter.debit("ana", cost=4)
    debited = limiter.peek("ana").remaining
    limiter.reset("ana")

    assert (refunded, debited, limiter.peek("ana").remaining) == (4, 0, 5)


async def test_the_awaited_twins_answer_alike() -> None:
    limiter = Limiter("2/minute", clock=Clock())

    first = await limiter.acheck("ana")
    second = await limiter.aallow("ana")
    third = await limiter.apeek("ana")

    assert (bool(first), second, bool(third)) == (True, True, False)


async def test_closing_a_limiter_in_this_process_is_harmless() -> None:
    with Limiter("2/minute", clock=Clock()) as limiter:
        assert limiter.allow("ana")
    async with limiter:
        assert limiter.allow("ana")

    assert not limiter.allow("ana")


def test_surrogates_are_keys_of_their_own() -> None:
    limiter = Limiter("1/minute", clock=Clock())

    assert [limiter.allow(key) for key in ("\udc80", "\udc81", "\udc80")] == [True, True, False]


def test_a_subclass_is_what_its_constructor_returns() -> None:
    class Mine(Limiter):
        pass

    limiter = Mine("1/minute")

    assert type(limiter) is Mine
    assert limiter.acquire("ana")
