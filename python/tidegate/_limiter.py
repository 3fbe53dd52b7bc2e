"""The limiter of the compiled module, and what has to wait in Python."""

from __future__ import annotations

from tidegate import _native
from tidegate._acquire import Attempt, aacquire, acquire
from tidegate._arguments import limit_string, seconds, text
from tidegate._clock import Sleeper
from tidegate._line import Lines
from tidegate._reservation import Reservation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import timedelta
    from types import TracebackType
    from typing import ParamSpec, TypeVar

    from typing_extensions import Self

    from tidegate._native import Clock, CountedKey, Decision
    from tidegate.stores import StateStore

    P = ParamSpec("P")
    R = TypeVar("R")


class Limiter(_native.Limiter):
    """One or several limits, and the store that counts.

    Safe to share between threads and tasks, and across a fork. A check of a store in this process
    waits for nothing, so it is as usable from `async def` as from `def`; with a store in a
    server, `check` waits with the interpreter released, and `await acheck` never blocks the loop.

    Args:
        limit: a limit string such as "10/second; 500/hour", or units per second.
        name: what decisions and headers call it.
        store: the URL of the store, or a store of your own: see `tidegate.stores`.
        algorithm: for every limit of the string: gcra (the default), token_bucket,
            leaky_bucket, fixed_window, sliding_window_log or sliding_window_counter.
        on_store_error: what becomes of a request when the store gives no answer in time: "local"
            decides in this process, from where the store last saw the key; "open" admits;
            "closed" refuses.
        lease: seconds, a timedelta, or text such as "1s": how long units may be taken from the
            store in advance. Saves most round trips, and never admits more than the limit.
        clock: a test's clock; the real one if omitted.
        requests: units per `period`; with `period`, instead of `limit`.
        period: seconds, a timedelta, or text such as "5m".
        burst: units at once, at least 1; as many as `requests` if omitted.

    Raises:
        ConfigError: naming the argument that is wrong.

    Example:
        >>> from tidegate import Limiter
        >>> limiter = Limiter("2/minute")
        >>> [limiter.allow("user:42") for _ in range(3)]
        [True, True, False]
    """

    __slots__ = ("_clock", "_lines")
    _clock: Clock | None
    _lines: Lines

    def __new__(
        cls,
        limit: str | int | None = None,
        *,
        name: str = "default",
        store: str | StateStore = "memory://",
        algorithm: str | None = None,
        on_store_error: str = "local",
        lease: float | timedelta | str | None = None,
        clock: Clock | None = None,
        requests: int | None = None,
        period: float | timedelta | str | None = None,
        burst: int | None = None,
    ) -> Self:
        """Makes a limiter; see the class."""
        limits = limit_string(
            limit, requests=requests, period=period, burst=burst, algorithm=algorithm
        )
        self = super().__new__(
            cls,
            limits,
            name=text("name", name),
            store=store if hasattr(store, "transact") else text("store", store),
            on_store_error=text("on_store_error", on_store_error),
            lease=None if lease is None else seconds("lease", lease),
            clock=clock,
        )
        self._clock = clock
        self._lines = Lines()
        return self

    def acquire(
        self, key: str, *, cost: int = 1, timeout: float | timedelta | None = None
    ) -> Decision:
        """Waits until `key` is admitted, and takes `cost` units.

        Those who wait for one key in this process are admitted in the order in which they
        came. Sleeps in this thread; in `async def`, use `aacquire`.

        Args:
            key: who is counted.
            cost: units to take.
            timeout: seconds or a timedelta; however long it takes if omitted.

        Returns:
            The admission; or the refusal, at once, when it is known that `timeout` is too
            short or that no wait is long enough.
        """
        return acquire(self._attempt(key, cost, timeout))

    async def aacquire(
        self, key: str, *, cost: int = 1, timeout: float | timedelta | None = None
    ) -> Decision:
        """Waits as `acquire` does, and lets other asyncio tasks run meanwhile.

        Cancelling it leaves the line, and gives back what was taken.
        """
        return await aacquire(self._attempt(key, cost, timeout))

    def reserve(self, key: str, *, cost: int) -> Reservation:
        """Takes `cost` units now; the true cost is settled when it is known.

        For use as `with` or `async with`. Entering raises RateLimitExceeded when `key` is
        over the limit.

        Example:
            >>> from tidegate import Limiter
            >>> tokens = Limiter("1000/hour")
            >>> with tokens.reserve("tenant:7", cost=500) as reservation:
            ...     reservation.settle(120)
            >>> tokens.peek("tenant:7").remaining
            880
        """
        return Reservation(self, self._sleeper(), key, cost)

    async def aclose(self) -> None:
        """Does what `close` does, without blocking the event loop."""
        if self.waits:
            await _in_thread(self.close)

    def apeek(self, key: str, *, cost: int = 1) -> Awaitable[Decision]:
        """Does what `peek` does, without blocking the event loop."""
        if self.waits:
            return _in_thread(self.peek, key, cost=cost)
        return super().apeek(key, cost=cost)

    def acheck_many(self, keys: Iterable[str], *, cost: int = 1) -> Awaitable[list[Decision]]:
        """Does what `check_many` does, without blocking the event loop."""
        if self.waits:
            return _in_thread(self.check_many, keys, cost=cost)
        return super().acheck_many(keys, cost=cost)

    def aallow_many(self, keys: Iterable[str], *, cost: int = 1) -> Awaitable[list[bool]]:
        """Does what `allow_many` does, without blocking the event loop."""
        if self.waits:
            return _in_thread(self.allow_many, keys, cost=cost)
        return super().aallow_many(keys, cost=cost)

    def areset(self, key: str) -> Awaitable[None]:
        """Does what `reset` does, without blocking the event loop."""
        if self.waits:
            return _in_thread(self.reset, key)
        return super().areset(key)

    def arefund(self, key: str, *, cost: int = 1) -> Awaitable[None]:
        """Does what `refund` does, without blocking the event loop."""
        if self.waits:
            return _in_thread(self.refund, key, cost=cost)
        return super().arefund(key, cost=cost)

    def adebit(self, key: str, *, cost: int = 1) -> Awaitable[None]:
        """Does what `debit` does, without blocking the event loop."""
        if self.waits:
            return _in_thread(self.debit, key, cost=cost)
        return super().adebit(key, cost=cost)

    async def asettle(self, key: str, *, reserved: int, actual: int, charged_at_ns: int) -> None:
        """Does what `settle` does, without blocking the event loop."""
        settled = {"reserved": reserved, "actual": actual, "charged_at_ns": charged_at_ns}
        if self.waits:
            await _in_thread(self.settle, key, **settled)
        else:
            self.settle(key, **settled)

    async def akeys(self, prefix: str = "", *, limit: int = 1_000) -> list[CountedKey]:
        """Does what `keys` does, without blocking the event loop."""
        return await _in_thread(self.keys, prefix, limit=limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _attempt(self, key: str, cost: int, timeout: float | timedelta | None) -> Attempt:
        return Attempt(
            limiter=self,
            lines=self._lines,
            sleeper=self._sleeper(),
            key=key,
            cost=cost,
            timeout=timeout,
        )

    def _sleeper(self) -> Sleeper:
        # Not kept: it would refer back to this limiter, and its store be freed late.
        return Sleeper(self.now_ns, self._clock)


async def _in_thread(method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    from asyncio import to_thread  # noqa: PLC0415 - for stores in a server only

    return await to_thread(method, *args, **kwargs)


_native._quicken(Limiter)
