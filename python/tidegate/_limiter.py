"""The limiter of the compiled module, and what has to wait in Python."""

from __future__ import annotations

from tidegate import _native
from tidegate._acquire import Attempt, aacquire, acquire
from tidegate._arguments import limit_string
from tidegate._clock import Sleeper
from tidegate._line import Lines
from tidegate._reservation import Reservation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    from typing_extensions import Self

    from tidegate._native import Clock, Decision


class Limiter(_native.Limiter):
    """One or several limits, and the store that counts.

    Safe to share between threads and tasks. A check is in process and waits for nothing, so
    it is as usable from `async def` as from `def`.

    Args:
        limit: a limit string such as "10/second; 500/hour", or units per second.
        name: what decisions and headers call it.
        store: the URL of the store.
        algorithm: for every limit of the string: gcra (the default), token_bucket,
            leaky_bucket, fixed_window, sliding_window_log or sliding_window_counter.
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
        store: str = "memory://",
        algorithm: str | None = None,
        clock: Clock | None = None,
        requests: int | None = None,
        period: float | timedelta | str | None = None,
        burst: int | None = None,
    ) -> Self:
        """Makes a limiter; see the class."""
        text = limit_string(
            limit, requests=requests, period=period, burst=burst, algorithm=algorithm
        )
        self = super().__new__(cls, text, name=name, store=store, clock=clock)
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

    def close(self) -> None:
        """Gives up the store. A store in this process holds nothing; checks still work."""

    async def aclose(self) -> None:
        """Does what `close` does."""
        self.close()

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


_native._quicken(Limiter)
