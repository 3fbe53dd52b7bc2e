"""Who sends what: the groups of the spike, as data.

Knows nothing of sockets. Rates are requests per second of one client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from demo.bounds import Quota

# What both applications say in their one line. A test reads it there.
LIMIT = 20
QUOTA = Quota.per_second(LIMIT)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, before it has a host."""

    path: str
    headers: tuple[tuple[str, str], ...] = ()
    json: dict[str, str] | None = None

    @property
    def method(self) -> str:
        """POST when there is something to post."""
        return "GET" if self.json is None else "POST"


@dataclass(frozen=True, slots=True)
class Group:
    """Clients that behave alike.

    Each client has an address of its own and `connections` connections. It sends `rate` requests
    per second from start to end; or, if `at_once` is set, that many at 0.3 of the time.

    Someone who is not `hurried` lets the next request wait if an answer was late, instead of
    catching up.
    """

    name: str
    wants: str
    draw: Callable[[Random], Request]
    rate: float = 0.0
    at_once: int = 0
    connections: int = 1
    hurried: bool = True

    def times(self, seconds: float, phase: float) -> Iterator[float]:
        """Yields when to send, in seconds from the start, earliest first.

        Args:
            seconds: how long the spike lasts.
            phase: 0 to 1; moves the first request within one pause, so that clients interleave.
        """
        for _ in range(self.at_once):
            yield 0.3 * seconds
        for index in range(int(self.rate * seconds)):
            yield (index + phase) / self.rate

    @property
    def floods(self) -> bool:
        """Whether it sends more than the limit admits, if the machine keeps up."""
        return self.at_once > LIMIT or self.rate > LIMIT

    def total(self, clients: int, seconds: float) -> int:
        """Returns the most requests that `clients` of this group send in all."""
        return clients * (self.at_once + int(self.rate * seconds))


def browse(random: Random) -> Request:
    """Draws what somebody does who uses the site."""
    turn = random.random()
    if turn < 0.1:
        return Request("/login", json={"user": "ana", "password": "ebb and flow"})
    if turn < 0.4:
        return Request(f"/search?q={random.choice('bcdev')}")
    if turn < 0.7:
        return Request(f"/items/{random.randint(1, 5)}")
    return Request("/")


def forge(random: Random) -> Request:
    """Draws a request that claims to come from yet another address."""
    address = f"10.{random.randint(0, 255)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    claims = (
        ("X-Forwarded-For", address),
        ("Forwarded", f"for={address}"),
        ("X-Real-IP", address),
    )
    return Request("/", headers=claims)


def crawl(random: Random) -> Request:
    """Draws a request that looks like nobody's before: random query, key and program."""
    word = f"{random.getrandbits(64):016x}"
    disguise = (("X-API-Key", word), ("User-Agent", f"crawler-{word[:6]}/1.0"))
    return Request(f"/search?q={word}&page={random.randint(1, 999)}", headers=disguise)


STEADY = Group("steady", "limit / 2", browse, rate=LIMIT / 2, hurried=False)
BURST = Group("burst", "3 bursts", browse, at_once=3 * LIMIT, connections=10)
ABUSER = Group("abuser", "20 x limit", browse, rate=20 * LIMIT, connections=16)
FORGER = Group("forger", "5 x, forged", forge, rate=5 * LIMIT, connections=12)
CRAWLER = Group("crawler", "5 x, random", crawl, rate=5 * LIMIT, connections=12)


@dataclass(frozen=True, slots=True)
class Cast:
    """How many clients of a group turn to one application, and from where."""

    app: str
    group: Group
    clients: int
    network: str

    def address(self, index: int) -> str:
        """Returns the loopback address of one client."""
        return f"{self.network}.{index + 1}"


CASTS = (
    Cast("fastapi", STEADY, 30, "127.1.1"),
    Cast("fastapi", BURST, 5, "127.1.2"),
    Cast("fastapi", ABUSER, 1, "127.1.3"),
    Cast("fastapi", FORGER, 1, "127.1.4"),
    Cast("fastapi", CRAWLER, 1, "127.1.5"),
    Cast("flask", STEADY, 10, "127.2.1"),
    Cast("flask", BURST, 3, "127.2.2"),
    Cast("flask", ABUSER, 1, "127.2.3"),
    Cast("flask", FORGER, 1, "127.2.4"),
    Cast("flask", CRAWLER, 1, "127.2.5"),
)


def total_requests(seconds: float) -> int:
    """Returns the most requests that the whole spike sends."""
    return sum(cast.group.total(cast.clients, seconds) for cast in CASTS)
