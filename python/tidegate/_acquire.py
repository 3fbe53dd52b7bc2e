"""Waiting until a limiter admits: once for threads, once for asyncio.

The two functions do the same, one sleeping and one awaiting; what they decide is in `Attempt`.
"""

from __future__ import annotations

import math
import threading

from tidegate._arguments import seconds_ns
from tidegate._line import Lines, Place
from tidegate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from datetime import timedelta

    from tidegate._clock import Sleeper
    from tidegate._limiter import Limiter
    from tidegate._native import Decision

_MOST = 2**32 - 1


class Attempt:
    """One call of `acquire`: whom it is for, and until when.

    Attributes:
        deadline_ns: on the limiter's clock; `None` for however long it takes.
    """

    __slots__ = (
        "_is_too_late",
        "cost",
        "deadline_ns",
        "key",
        "limiter",
        "lines",
        "sleeper",
    )

    def __init__(
        self,
        *,
        limiter: Limiter,
        lines: Lines,
        sleeper: Sleeper,
        key: str,
        cost: int,
        timeout: float | timedelta | None,
    ) -> None:
        self.limiter = limiter
        self.lines = lines
        self.sleeper = sleeper
        self.key = key
        self.cost = cost
        # Final: the delay and the time left shrink together, so no wait helps.
        self._is_too_late = False
        self.deadline_ns: int | None = None
        if timeout is not None and timeout != math.inf:
            wait = seconds_ns("timeout", timeout)
            if wait < 0:
                raise ConfigError(f"`timeout` must be at least 0 seconds, got {timeout}")
            self.deadline_ns = sleeper.now_ns() + wait

    def left(self) -> float:
        """Seconds until the deadline, infinite without one."""
        return self.sleeper.seconds_until(self.deadline_ns)

    def check(self) -> Decision:
        """Checks once; an admission whose delay is longer than the time left is a refusal."""
        if self.deadline_ns is not None:
            # A place in a queue is best not taken at all: once others stand behind it, it
            # cannot be given back.
            looked = self.limiter.peek(self.key, cost=self.cost)
            if looked.delay > (left := self.left()):
                return self._too_late(looked, left)
        decision = self.limiter.check(self.key, cost=self.cost)
        if decision.delay <= (left := self.left()):
            return decision
        self.give_back(decision)
        return self._too_late(decision, left)

    async def acheck(self) -> Decision:
        """Checks as `check` does; a store in a server is awaited."""
        if not self.limiter.waits:
            return self.check()
        # No limit of such a store is a queue with a deadline worth looking at first: the look
        # would cost as much as the check.
        decision = await self.limiter.acheck(self.key, cost=self.cost)
        if decision.delay <= (left := self.left()):
            return decision
        await self.agive_back(decision)
        return self._too_late(decision, left)

    def give_back(self, decision: Decision) -> None:
        """Returns what the last `check` took, whose caller does not go ahead."""
        charged_at_ns = decision.charged_at_ns
        self.limiter.settle(self.key, reserved=self.cost, actual=0, charged_at_ns=charged_at_ns)

    async def agive_back(self, decision: Decision) -> None:
        """Does what `give_back` does, without blocking the event loop."""
        await self.limiter.asettle(
            self.key, reserved=self.cost, actual=0, charged_at_ns=decision.charged_at_ns
        )

    def is_worth_waiting(self, decision: Decision) -> bool:
        """True when `decision` is a refusal that ends before the deadline."""
        if decision.allowed or self._is_too_late or math.isinf(decision.retry_after):
            return False
        return decision.retry_after <= self.left()

    def hopeless(self, ahead: int) -> Decision | None:
        """The refusal, if `ahead` units of others in line already take until the deadline."""
        decision = self.limiter.peek(self.key, cost=min(ahead + self.cost, _MOST))
        if decision.reason == "never":
            # The whole line does not fit at once: then all that is known is the own wait.
            decision = self.limiter.peek(self.key, cost=self.cost)
        return None if decision.allowed or self.is_worth_waiting(decision) else decision

    async def ahopeless(self, ahead: int) -> Decision | None:
        """Answers as `hopeless` does, without blocking the event loop."""
        decision = await self.limiter.apeek(self.key, cost=min(ahead + self.cost, _MOST))
        if decision.reason == "never":
            decision = await self.limiter.apeek(self.key, cost=self.cost)
        return None if decision.allowed or self.is_worth_waiting(decision) else decision

    def out_of_time(self) -> Decision:
        """The answer to one whose time ran out before it was first in line."""
        cost = max(self.cost, self.lines.first_cost(self.key))
        decision = self.limiter.peek(self.key, cost=cost)
        return decision if not decision.allowed else self.check()

    async def aout_of_time(self) -> Decision:
        """Answers as `out_of_time` does, without blocking the event loop."""
        cost = max(self.cost, self.lines.first_cost(self.key))
        decision = await self.limiter.apeek(self.key, cost=cost)
        return decision if not decision.allowed else await self.acheck()

    def _too_late(self, decision: Decision, left: float) -> Decision:
        """A place in the queue whose turn comes after the deadline, as the refusal it is."""
        self._is_too_late = True
        return decision.refused_for(decision.delay - left)


def acquire(attempt: Attempt) -> Decision:
    """Waits in this thread; see `Limiter.acquire`."""
    decision = _acquire(attempt)
    if decision.delay:
        try:
            attempt.sleeper.sleep(decision.delay)
        except BaseException:
            attempt.give_back(decision)
            raise
    return decision


def _acquire(attempt: Attempt) -> Decision:
    lines, sleeper = attempt.lines, attempt.sleeper
    if lines.is_empty(attempt.key):
        decision = attempt.check()
        if not attempt.is_worth_waiting(decision):
            return decision

    turn = threading.Event()
    place = Place(attempt.cost, turn.set)
    ahead = lines.join(attempt.key, place)
    try:
        if ahead and (refusal := attempt.hopeless(ahead)) is not None:
            return refusal
        while not place.is_first:
            if (left := attempt.left()) == 0:
                return attempt.out_of_time()
            turn.wait(sleeper.turn_timeout(left))
        while attempt.is_worth_waiting(decision := attempt.check()):
            sleeper.sleep(decision.retry_after)
        return decision
    finally:
        lines.leave(attempt.key, place)


async def aacquire(attempt: Attempt) -> Decision:
    """Waits in this asyncio task; see `Limiter.aacquire`."""
    decision = await _aacquire(attempt)
    if decision.delay:
        try:
            await attempt.sleeper.asleep(decision.delay)
        except BaseException:  # cancelled, as a rule
            await attempt.agive_back(decision)
            raise
    return decision


async def _aacquire(attempt: Attempt) -> Decision:
    lines, sleeper = attempt.lines, attempt.sleeper
    if lines.is_empty(attempt.key):
        decision = await attempt.acheck()
        if not attempt.is_worth_waiting(decision):
            return decision

    import asyncio  # noqa: PLC0415 - a slow import that many users never need

    loop = asyncio.get_running_loop()
    turn = loop.create_future()
    place = Place(attempt.cost, lambda: loop.call_soon_threadsafe(_finish, turn))
    ahead = lines.join(attempt.key, place)
    try:
        if ahead and (refusal := await attempt.ahopeless(ahead)) is not None:
            return refusal
        while not place.is_first:
            if (left := attempt.left()) == 0:
                return await attempt.aout_of_time()
            # Not wait_for(), which may swallow a cancellation that comes with the turn.
            await asyncio.wait((turn,), timeout=sleeper.turn_timeout(left))
        while attempt.is_worth_waiting(decision := await attempt.acheck()):
            await sleeper.asleep(decision.retry_after)
        return decision
    finally:
        lines.leave(attempt.key, place)


def _finish(turn: Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
