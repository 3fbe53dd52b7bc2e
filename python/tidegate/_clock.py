"""How long to wait, on a clock that may be a test's.

A real clock is waited for by sleeping. A test's clock stands still until it is moved, so a
waiter looks at it every millisecond of real time and goes on once it has been moved far
enough. asyncio only: under another event loop the asynchronous functions do not work.
"""

from __future__ import annotations

import math
import time

from tidegate import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tidegate._native import Clock

NANOSECONDS = 1_000_000_000
_LOOK = 0.001
# The longest single sleep: what is longer is slept for in parts, since the system's calls
# refuse a very large number.
_DAY = 86_400.0

_default: Clock | None = None


def replace_default(clock: Clock | None) -> Clock | None:
    """Makes `clock` the clock of all that was made without one; returns the one before.

    `None` is the real clock.
    """
    global _default
    before, _default = _default, clock
    _native.set_default_clock(clock)
    return before


class Sleeper:
    """Waits on one clock: the given one, or the default one as it is at the time.

    Args:
        now_ns: the clock's time in nanoseconds, as its limiter reads it.
        clock: the clock that the limiter was made with.
    """

    __slots__ = ("_clock", "now_ns")

    def __init__(self, now_ns: Callable[[], int], clock: Clock | None) -> None:
        self.now_ns = now_ns
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        """Waits for `seconds` on the clock."""
        end = self._end(seconds)
        while (left := self._left(end)) > 0:
            time.sleep(left)

    async def asleep(self, seconds: float) -> None:
        """Waits for `seconds` on the clock, and lets other tasks run meanwhile."""
        from asyncio import sleep  # noqa: PLC0415 - a slow import that many users never need

        end = self._end(seconds)
        # A manual clock tells nobody that it was moved, so there is no event to wait for.
        while (left := self._left(end)) > 0:  # noqa: ASYNC110
            await sleep(left)

    def seconds_until(self, deadline_ns: int | None) -> float:
        """Seconds until `deadline_ns`, at least 0; infinite for no deadline."""
        return math.inf if deadline_ns is None else max(0, deadline_ns - self.now_ns()) / 1e9

    def turn_timeout(self, seconds: float) -> float:
        """How long to wait in real time, for something else, before looking at the clock."""
        return _LOOK if self._is_manual() and math.isfinite(seconds) else min(seconds, _DAY)

    def _end(self, seconds: float) -> int:
        # Rounded up: a nanosecond too early would be refused again.
        return self.now_ns() + math.ceil(seconds * NANOSECONDS)

    def _left(self, end_ns: int) -> float:
        left = end_ns - self.now_ns()
        return min(left / NANOSECONDS, _LOOK if self._is_manual() else _DAY)

    def _is_manual(self) -> bool:
        return self._clock is not None or _default is not None
