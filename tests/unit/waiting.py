"""Waiting for something that another thread does, bounded, for the tests of those who wait."""

import threading
import time
from collections.abc import Callable

from tidegate import Decision, Limiter


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Returns as soon as `condition` holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.0005)


def in_line(limiter: Limiter, key: str) -> int:
    """How many wait for `key`."""
    line = limiter._lines._lines.get(key)
    return len(line.places) if line else 0


class Waiter:
    """A thread that acquires once."""

    def __init__(self, limiter: Limiter, key: str, cost: int, done: list[str], name: str) -> None:
        self.decision: Decision | None = None

        def work() -> None:
            self.decision = limiter.acquire(key, cost=cost)
            done.append(name)

        before = in_line(limiter, key)
        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()
        until(lambda: in_line(limiter, key) > before)

    def join(self) -> Decision:
        """Returns what the thread got."""
        self.thread.join(10)
        assert self.decision is not None
        return self.decision
