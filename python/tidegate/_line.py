"""Who waits for which key, first come, first served.

One line per key, for threads and asyncio tasks alike. Nothing here decides, sleeps or reads a
clock: it only tells the first in line that it is first. A line exists while somebody stands in
it.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Place:
    """One waiter's place in a line.

    Attributes:
        cost: units that the waiter wants.
        is_first: true from the moment that nobody is ahead.
    """

    __slots__ = ("_wake", "cost", "is_first")

    def __init__(self, cost: int, wake: Callable[[], object]) -> None:
        self.cost = cost
        self.is_first = False
        self._wake = wake

    def advance(self) -> None:
        """Tells the waiter that it is first. Called by another thread, as a rule."""
        self.is_first = True
        try:
            self._wake()
        except RuntimeError:
            # The waiter's event loop was closed under it. It keeps its place until its
            # coroutine is collected, which leaves the line.
            return


class _Line:
    """Those who wait for one key, the first first, and the sum of what they want."""

    __slots__ = ("cost", "places")

    def __init__(self) -> None:
        self.cost = 0
        self.places: OrderedDict[Place, None] = OrderedDict()

    def first(self) -> Place:
        return next(iter(self.places))


class Lines:
    """The lines of one limiter."""

    __slots__ = ("_lines", "_lock", "_process")

    def __init__(self) -> None:
        self._forget()

    def __len__(self) -> int:
        return len(self._lines)

    def is_empty(self, key: str) -> bool:
        """True when nobody waits for `key`."""
        # A dict look-up is atomic, and a line that starts a moment later changes nothing: the
        # two callers came at the same time.
        return key not in self._lines

    def join(self, key: str, place: Place) -> int:
        """Puts `place` at the end of the line of `key`; returns the cost of all ahead of it."""
        if self._process != os.getpid():
            # After a fork the others in line are threads of another process.
            self._forget()
        with self._lock:
            line = self._lines.setdefault(key, _Line())
            ahead = line.cost
            line.cost += place.cost
            line.places[place] = None
            place.is_first = line.first() is place
        return ahead

    def first_cost(self, key: str) -> int:
        """The cost of the first in the line of `key`; 0 if nobody waits."""
        with self._lock:
            line = self._lines.get(key)
            return line.first().cost if line else 0

    def leave(self, key: str, place: Place) -> None:
        """Takes `place` out of the line of `key`, and tells the next one if it was the first."""
        with self._lock:
            line = self._lines.get(key)
            if line is None or place not in line.places:
                return
            was_first = line.first() is place
            line.cost -= place.cost
            del line.places[place]
            following = line.first() if line.places and was_first else None
            if not line.places:
                del self._lines[key]
        if following is not None:
            following.advance()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._process = os.getpid()
