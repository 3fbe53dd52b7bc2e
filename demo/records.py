"""What was seen of each request, and where it is kept.

Knows nothing of limits: judging is done in `bounds`.

Times are whole nanoseconds of the monotonic clock.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

ADMITTED = 200
REFUSED = 429
NO_ANSWER = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One request, as its client saw it.

    The limiter decided somewhere between `sent_ns` and `received_ns`; more cannot be known from
    outside. `status` is `NO_ANSWER` when the connection failed or time ran out.
    """

    sent_ns: int
    received_ns: int
    status: int

    @property
    def latency_ms(self) -> float:
        """Time from sending to the last byte of the answer, in milliseconds."""
        return (self.received_ns - self.sent_ns) / 1e6


@dataclass(slots=True)
class GroupLog:
    """All requests of one group to one application, by client address."""

    app: str
    group: str
    clients: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    def add(self, client: str, record: Record) -> None:
        """Keeps a record of a request whose answer has come, or never will."""
        self.clients[client].append(record)

    def count(self, status: int) -> int:
        """Returns how many requests ended with `status`."""
        return sum(r.status == status for records in self.clients.values() for r in records)

    @property
    def total(self) -> int:
        """How many requests have ended."""
        return sum(map(len, self.clients.values()))

    def latencies_ms(self) -> list[float]:
        """Returns the latencies of all requests, shortest first."""
        return sorted(r.latency_ms for records in self.clients.values() for r in records)
