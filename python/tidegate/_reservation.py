"""Quota that is taken first and settled when the true cost is known."""

from __future__ import annotations

from tidegate._arguments import whole_number
from tidegate.errors import ConfigError, RateLimitExceeded, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from tidegate._clock import Sleeper
    from tidegate._limiter import Limiter
    from tidegate._native import Decision


class Reservation:
    """An estimate that is charged on entering and corrected by `settle`.

    Made by `Limiter.reserve`; enters with `with` and `async with`, once. In `async def`, settle
    with `asettle`: it does not block the event loop when the store is a server. Left without
    `settle`, it keeps what was reserved; left by an exception without `settle`, it gives all
    of it back.
    """

    __slots__ = ("_at_ns", "_cost", "_decision", "_is_settled", "_key", "_limiter", "_sleeper")

    def __init__(self, limiter: Limiter, sleeper: Sleeper, key: str, cost: int) -> None:
        self._limiter = limiter
        self._sleeper = sleeper
        self._key = key
        self._cost = cost
        self._decision: Decision | None = None
        self._is_settled = False

    @property
    def decision(self) -> Decision:
        """The admission. Raises ConfigError before the reservation is entered."""
        if self._decision is None:
            raise ConfigError(f"the reservation for {shorten(self._key)} was not entered yet")
        return self._decision

    def settle(self, actual: int) -> None:
        """Replaces the reserved cost by the true one, above or below it.

        Args:
            actual: units that were really used, at least 0.

        Raises:
            ConfigError: the reservation was settled before, or never entered.
        """
        units, charged_at_ns = self._begin_to_settle(actual)
        self._limiter.settle(
            self._key, reserved=self._cost, actual=units, charged_at_ns=charged_at_ns
        )

    async def asettle(self, actual: int) -> None:
        """Does what `settle` does, without blocking the event loop."""
        units, charged_at_ns = self._begin_to_settle(actual)
        await self._limiter.asettle(
            self._key, reserved=self._cost, actual=units, charged_at_ns=charged_at_ns
        )

    def __enter__(self) -> Reservation:
        self._refuse_second()
        delay = self._taken(self._limiter.check(self._key, cost=self._cost))
        if delay:
            try:
                self._sleeper.sleep(delay)
            except BaseException:
                self.settle(0)
                raise
        return self

    async def __aenter__(self) -> Reservation:
        self._refuse_second()
        delay = self._taken(await self._limiter.acheck(self._key, cost=self._cost))
        if delay:
            try:
                await self._sleeper.asleep(delay)
            except BaseException:  # cancelled, as a rule
                await self.asettle(0)
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None and not self._is_settled:
            self.settle(0)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None and not self._is_settled:
            await self.asettle(0)

    def _begin_to_settle(self, actual: int) -> tuple[int, int]:
        """The true cost, and the time that it is settled for."""
        units = whole_number("actual", actual, least=0)
        charged_at_ns = self.decision.charged_at_ns
        if self._is_settled:
            raise ConfigError(f"the reservation for {shorten(self._key)} is settled already")
        self._is_settled = True
        return units, charged_at_ns

    def _refuse_second(self) -> None:
        if self._decision is not None:
            raise ConfigError(f"the reservation for {shorten(self._key)} was entered already")

    def _taken(self, decision: Decision) -> float:
        if not decision:
            raise RateLimitExceeded(decision, self._key)
        self._decision = decision
        return decision.delay
