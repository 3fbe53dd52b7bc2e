"""The numbers that the project set itself for stores on servers."""

from bench.report.targets import Target

_REDIS = "stores.redis"
_POSTGRES = "stores.postgres"
_PEERS = ("limits", "throttled-py")


def _over(text: str, of: str | tuple[str, ...], over: str, sense: str, bound: float) -> Target:
    return Target(text, (of,) if isinstance(of, str) else of, over, sense, bound)


STORE_TARGETS = [
    _over(
        "Redis, one caller: median check over the same call on a raw socket",
        f"{_REDIS}.one.single.tidegate",
        f"{_REDIS}.one.single.raw",
        "<=",
        1.3,
    ),
    _over(
        "Redis, one caller: rate over the best peer's",
        tuple(f"{_REDIS}.one.{peer}" for peer in _PEERS),
        f"{_REDIS}.one.tidegate",
        ">=",
        2.5,
    ),
    _over(
        "Redis, 64 asyncio tasks, 10 000 keys: rate over limits.aio's",
        f"{_REDIS}.tasks.asyncio.limits",
        f"{_REDIS}.tasks.asyncio.tidegate",
        ">=",
        6,
    ),
    *(
        Target(
            f"Redis, 64 tasks on {loop}, 10 000 keys: the client's processor time per check",
            (f"{_REDIS}.tasks.cpu.{loop}.tidegate",),
            None,
            "<=",
            bound,
            "ns",
        )
        for loop, bound in (("asyncio", 8000), ("uvloop", 5000))
    ),
    *(
        _over(
            f"Redis, 64 tasks on {loop}, 10 000 keys: rate over what the server can do in "
            "pipelined calls of one ask each",
            f"{_REDIS}.tasks.raw.single",
            f"{_REDIS}.tasks.{loop}.tidegate",
            ">=",
            0.8,
        )
        for loop in ("asyncio", "uvloop")
    ),
    _over(
        "Redis, 64 asyncio tasks, one hot key: rate over the best peer's",
        tuple(f"{_REDIS}.hot.asyncio.{peer}" for peer in _PEERS),
        f"{_REDIS}.hot.asyncio.tidegate",
        ">=",
        10,
    ),
    *(
        _over(
            f"Redis, a known denial: {call} over memory://",
            f"{_REDIS}.known.{call}.redis",
            f"{_REDIS}.known.{call}.memory",
            "<=",
            3,
        )
        for call in ("allow", "check")
    ),
    Target(
        "Redis, known denials: scripts that the server ran meanwhile",
        (f"{_REDIS}.known.commands",),
        None,
        "<=",
        0,
    ),
    _over(
        "Redis, one hot key: rate with a lease of 1 s over exact",
        f"{_REDIS}.lease.exact",
        f"{_REDIS}.lease.lease",
        ">=",
        50,
    ),
    _over(
        "PostgreSQL, in Rust: rate of exchanges of 64 over 64 pipelined UPSERTs",
        "stores.rust.postgres.upsert_64",
        "stores.rust.postgres.exchange_64",
        ">=",
        0.8,
    ),
    _over(
        "PostgreSQL, in Rust: rate of exchanges of 64 over exchanges of 1",
        "stores.rust.postgres.exchange",
        "stores.rust.postgres.exchange_64",
        ">=",
        1.8,
    ),
    _over(
        "PostgreSQL, 16 asyncio tasks, 10 000 keys: rate over fluxlimit's",
        f"{_POSTGRES}.tasks.fluxlimit",
        f"{_POSTGRES}.tasks.tidegate",
        ">=",
        3,
    ),
    Target(
        "PostgreSQL, a thousand refused checks: growth of the log",
        (f"{_POSTGRES}.refused.bytes",),
        None,
        "<=",
        0,
        "bytes",
    ),
    Target(
        "PostgreSQL, a thousand refused checks: transaction ids taken",
        (f"{_POSTGRES}.refused.transactions",),
        None,
        "<=",
        0,
    ),
]
