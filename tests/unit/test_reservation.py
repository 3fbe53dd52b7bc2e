"""Quota that is reserved first and settled later."""

import pytest

from tidegate import ConfigError, Limiter, RateLimitExceeded
from tidegate.testing import Clock


def tokens() -> Limiter:
    return Limiter("1000/hour", clock=Clock())


@pytest.mark.parametrize(("actual", "remaining"), [(0, 1000), (120, 880), (500, 500), (700, 300)])
def test_the_true_cost_replaces_the_reserved_one(actual: int, remaining: int) -> None:
    limiter = tokens()

    with limiter.reserve("tenant:7", cost=500) as reservation:
        inside = limiter.peek("tenant:7").remaining
        reservation.settle(actual)

    assert inside == 500
    assert limiter.peek("tenant:7").remaining == remaining


def test_left_without_settling_it_keeps_the_reserved_cost() -> None:
    limiter = tokens()

    with limiter.reserve("tenant:7", cost=500) as reservation:
        assert reservation.decision.remaining == 500

    assert limiter.peek("tenant:7").remaining == 500


def test_left_by_an_exception_it_gives_everything_back() -> None:
    limiter = tokens()

    with pytest.raises(ZeroDivisionError), limiter.reserve("tenant:7", cost=500):
        raise ZeroDivisionError

    assert limiter.peek("tenant:7").remaining == 1000


def test_what_was_settled_stays_settled_when_an_exception_follows() -> None:
    limiter = tokens()

    def work() -> None:
        with limiter.reserve("tenant:7", cost=500) as reservation:
            reservation.settle(200)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()

    assert limiter.peek("tenant:7").remaining == 800


def test_over_the_limit_the_body_does_not_run() -> None:
    limiter = tokens()
    limiter.check("tenant:7", cost=600)

    with pytest.raises(RateLimitExceeded) as caught, limiter.reserve("tenant:7", cost=500):
        pytest.fail("the body ran")

    assert caught.value.key == "tenant:7"
    assert limiter.peek("tenant:7").remaining == 400


async def test_it_works_with_async_with() -> None:
    limiter = tokens()

    async with limiter.reserve("tenant:7", cost=500) as reservation:
        reservation.settle(1)
    with pytest.raises(ZeroDivisionError):
        async with limiter.reserve("tenant:7", cost=500):
            raise ZeroDivisionError

    assert limiter.peek("tenant:7").remaining == 999


def test_settling_twice_is_an_error_and_changes_nothing() -> None:
    limiter = tokens()

    with limiter.reserve("tenant:7", cost=500) as reservation:
        reservation.settle(100)
        with pytest.raises(ConfigError, match="'tenant:7' is settled already"):
            reservation.settle(0)

    assert limiter.peek("tenant:7").remaining == 900


def test_a_reservation_is_entered_once_and_not_used_before() -> None:
    reservation = tokens().reserve("tenant:7", cost=500)

    with pytest.raises(ConfigError, match="not entered yet"):
        reservation.settle(1)
    with reservation, pytest.raises(ConfigError, match="entered already"):
        reservation.__enter__()


@pytest.mark.parametrize("actual", [-1, 1.5, "1", None, True])
def test_an_actual_cost_that_makes_no_sense_is_named(actual: object) -> None:
    with (
        tokens().reserve("tenant:7", cost=500) as reservation,
        pytest.raises(ConfigError, match="`actual`"),
    ):
        reservation.settle(actual)  # type: ignore[arg-type]
