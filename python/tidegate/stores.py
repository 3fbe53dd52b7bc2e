"""Stores of your own: what one has to offer; and the schema of those in PostgreSQL.

A store of your own keeps bytes under keys, and can change several of them at once without anybody
coming in between. It needs to know nothing of limits: all algorithms stay in tidegate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidegate._native import postgres_schema

__all__ = ["StateStore", "Step", "postgres_schema"]


class Step(Protocol):
    """What a store calls within its transaction."""

    def __call__(
        self, states: Sequence[bytes | None], now_ns: int
    ) -> Sequence[tuple[bytes, float] | None]:
        """Decides, from the states as they are.

        Args:
            states: the state of every key, `None` for one that is not there or whose time is
                over.
            now_ns: nanoseconds since 1970, by the one clock that all who share the store go by.

        Returns:
            For every key the state to write, and for how many seconds it means something; `None`
            where nothing changes. A refused request changes nothing. Calling it has no effect of
            its own: a transaction that has to be repeated calls it again.
        """
        ...


class StateStore(Protocol):
    """A place that keeps bytes: `Limiter("100/minute", store=MyStore())`.

    Safe to call from several threads at once. `await acheck` calls it in a thread of the event
    loop's pool.
    """

    def transact(self, keys: Sequence[bytes], step: Step) -> None:
        """Reads the states of `keys`, calls `step`, and writes what it returns, as one.

        Nobody may change any of the keys between the reading and the writing: either because
        they are locked, or because a transaction that notices is repeated.

        Args:
            keys: different keys, of printable ASCII, at most a few hundred bytes each.
            step: what to do with their states.

        Raises:
            Exception: when nothing was written. The rule's `on_store_error` then decides, and
                the log tells, at most once a minute. A transaction that ends without having
                called `step`, or that gives it states that it never returned, is a mistake that
                no mode hides: whoever asked gets a `StoreError`.
        """
        ...
