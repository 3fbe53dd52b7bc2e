"""What users get to test their own limits."""

from typing import Any, NamedTuple

import pytest

from tidegate import Limiter, RateLimitExceeded, rate_limit
from tidegate.testing import Clock, aassert_limited, assert_limited, disabled, frozen_clock


class Response(NamedTuple):
    status_code: int


def test_a_frozen_clock_holds_for_limits_that_were_made_before() -> None:
    limiter = Limiter("1/minute")
    own = Limiter("1/minute", clock=Clock())
    with frozen_clock() as clock:
        assert [limiter.allow("ana"), own.allow("ana")] == [True, True]
        clock.advance(60)
        assert [limiter.allow("ana"), own.allow("ana")] == [True, False]


def test_frozen_clocks_nest() -> None:
    limiter = Limiter("1/minute")
    with frozen_clock() as outer:
        assert limiter.allow("ana")
        with frozen_clock(unix=5.0) as inner:
            inner.advance(2)
            assert inner.unix == 7.0
        assert not limiter.allow("ana")
        outer.advance(60)
        assert limiter.allow("ana")


def test_disabled_limits_admit_everything_and_take_nothing() -> None:
    limiter = Limiter("1/minute", clock=Clock())

    @rate_limit("1/minute", clock=Clock())
    def work() -> None: ...

    with disabled():
        with disabled():
            assert all(limiter.allow("ana") for _ in range(3))
        assert all(limiter.check("ana") for _ in range(3))
        work()
        work()

    assert [limiter.allow("ana") for _ in range(2)] == [True, False]


def test_limits_are_on_again_after_a_failing_test() -> None:
    with pytest.raises(ZeroDivisionError), disabled():
        raise ZeroDivisionError

    assert not Limiter("0/minute").allow("ana")


def test_assert_limited_understands_decisions_bools_responses_and_exceptions() -> None:
    limiter = Limiter("3/minute", clock=Clock())

    @rate_limit("3/minute", clock=Clock())
    def work() -> None: ...

    def respond() -> Response:
        return Response(200 if limiter.allow("cid") else 429)

    assert assert_limited(lambda: limiter.check("ana"), limit=3).retry_after == 20.0  # type: ignore[union-attr]
    assert assert_limited(lambda: limiter.allow("bob"), limit=3) is False
    assert assert_limited(respond, limit=3) == Response(429)
    assert isinstance(assert_limited(work, limit=3), RateLimitExceeded)


def test_a_limit_of_zero_refuses_the_first_call() -> None:
    assert_limited(lambda: Limiter("0/minute").allow("ana"), limit=0)


async def test_the_awaiting_twin_does_the_same() -> None:
    limiter = Limiter("3/minute", clock=Clock())

    async def check() -> Any:
        return limiter.check("ana")

    assert not await aassert_limited(check, limit=3)
    with pytest.raises(AssertionError, match="call 1 of 1"):
        await aassert_limited(check, limit=1)


@pytest.mark.parametrize(
    ("limit", "words"), [(4, "call 4 of 4 was refused already"), (2, "call 3 was admitted")]
)
def test_a_wrong_limit_is_told(limit: int, words: str) -> None:
    limiter = Limiter("3/minute", clock=Clock())

    with pytest.raises(AssertionError, match=words):
        assert_limited(lambda: limiter.check("ana"), limit=limit)


def test_other_exceptions_come_out() -> None:
    def broken() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        assert_limited(broken, limit=3)


def test_the_plugin_stops_the_clock(tidegate_clock: Clock) -> None:
    limiter = Limiter("1/minute")
    assert_limited(lambda: limiter.check("ana"), limit=1)
    tidegate_clock.advance(60)

    assert limiter.allow("ana")


@pytest.mark.usefixtures("tidegate_disabled")
def test_the_plugin_turns_limits_off() -> None:
    assert Limiter("0/minute").allow("ana")
