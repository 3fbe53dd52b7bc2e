"""What you need to test your own limits: a clock, a switch, and one assertion.

The pytest plugin that comes with tidegate offers the first two as the fixtures
`tidegate_clock` and `tidegate_disabled`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from tidegate._clock import replace_default
from tidegate._native import Clock, Decision, set_enabled
from tidegate.errors import RateLimitExceeded

__all__ = ["Clock", "aassert_limited", "assert_limited", "disabled", "frozen_clock"]

T = TypeVar("T")

_TOO_MANY_REQUESTS = 429

_off = 0


@contextmanager
def frozen_clock(*, unix: float = 1_700_000_000.0) -> Generator[Clock, None, None]:
    """Stops time for every limit that was made without a clock of its own, until the end.

    Args:
        unix: the time of day that the clock starts at, in seconds since 1970.

    Example:
        >>> from tidegate import Limiter
        >>> from tidegate.testing import frozen_clock
        >>> limiter = Limiter("1/minute")
        >>> with frozen_clock() as clock:
        ...     first, second = limiter.allow("ana"), limiter.allow("ana")
        ...     clock.advance(60)
        ...     third = limiter.allow("ana")
        >>> first, second, third
        (True, False, True)
    """
    clock = Clock(unix=unix)
    before = replace_default(clock)
    try:
        yield clock
    finally:
        replace_default(before)


@contextmanager
def disabled() -> Generator[None, None, None]:
    """Turns every limit of this process off, until the end: all is admitted, nothing is taken."""
    global _off  # noqa: PLW0603 - the switch itself is process-wide
    _off += 1
    set_enabled(False)
    try:
        yield
    finally:
        _off -= 1
        if not _off:
            set_enabled(True)


def assert_limited(call: Callable[[], T], *, limit: int) -> T | RateLimitExceeded:
    """Asserts that `limit` calls are admitted, and that the next one is refused.

    Stop the clock first, or a slow test gets quota back meanwhile.

    Args:
        call: makes one request or call. Refused is a response whose `status_code` is 429, a
            refusing `Decision`, `False`, or `RateLimitExceeded`; everything else is admitted,
            and other exceptions are raised.
        limit: how many calls are to be admitted.

    Returns:
        What the refused call returned or raised, for further assertions.

    Example:
        >>> from tidegate import Limiter
        >>> from tidegate.testing import assert_limited
        >>> limiter = Limiter("5/hour")
        >>> assert_limited(lambda: limiter.check("ana"), limit=5).retry_after > 0
        True
    """
    for number in range(1, limit + 1):
        _expect_admitted(_outcome(call), number, limit)
    return _expect_refused(_outcome(call), limit)


async def aassert_limited(call: Callable[[], Awaitable[T]], *, limit: int) -> T | RateLimitExceeded:
    """Asserts as `assert_limited` does, and awaits each call."""
    for number in range(1, limit + 1):
        _expect_admitted(await _aoutcome(call), number, limit)
    return _expect_refused(await _aoutcome(call), limit)


def _outcome(call: Callable[[], T]) -> T | RateLimitExceeded:
    try:
        return call()
    except RateLimitExceeded as exceeded:
        return exceeded


async def _aoutcome(call: Callable[[], Awaitable[T]]) -> T | RateLimitExceeded:
    try:
        return await call()
    except RateLimitExceeded as exceeded:
        return exceeded


def _expect_admitted(outcome: object, number: int, limit: int) -> None:
    if _is_refused(outcome):
        raise AssertionError(f"call {number} of {limit} was refused already: {outcome!r}")


def _expect_refused(outcome: T, limit: int) -> T:
    if not _is_refused(outcome):
        raise AssertionError(
            f"call {limit + 1} was admitted, although the limit was to be {limit}: {outcome!r}"
        )
    return outcome


def _is_refused(outcome: Any) -> bool:
    if isinstance(outcome, RateLimitExceeded) or outcome is False:
        return True
    if isinstance(outcome, Decision):
        return not outcome.allowed
    return bool(getattr(outcome, "status_code", None) == _TOO_MANY_REQUESTS)
