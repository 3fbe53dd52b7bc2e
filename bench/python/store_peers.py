"""The other libraries with their stores on servers, each called as its own documentation has it.

Every call answers whether the key may go ahead. Clients of Redis read answers with hiredis.
"""

from collections.abc import Awaitable, Callable

import asyncpg  # type: ignore[import-not-found]
import limits  # type: ignore[import-not-found]
from fluxlimit import (  # type: ignore[import-not-found]
    LimitRule,
    PostgresBackend,
    RateLimiter,
    TokenBucket,
    TokenBucketConfig,
)
from limits.aio.storage import RedisStorage as AioRedisStorage  # type: ignore[import-not-found]
from limits.aio.strategies import (  # type: ignore[import-not-found]
    FixedWindowRateLimiter as AioFixedWindowRateLimiter,
)
from limits.storage import RedisStorage  # type: ignore[import-not-found]
from limits.strategies import FixedWindowRateLimiter  # type: ignore[import-not-found]
from throttled import Throttled  # type: ignore[import-not-found]
from throttled.asyncio import RedisStore as AioRedisStore  # type: ignore[import-not-found]
from throttled.asyncio import Throttled as AioThrottled
from throttled.store import RedisStore  # type: ignore[import-not-found]

PER_DAY = 1_000_000_000
Call = Callable[[str], bool]
AsyncCall = Callable[[str], Awaitable[bool]]

# As fluxlimit's documentation has it.
_FLUX_TABLE = """
CREATE TABLE IF NOT EXISTS fluxlimit_rate_limits (
    key TEXT PRIMARY KEY,
    tokens FLOAT NOT NULL DEFAULT 0,
    volume FLOAT NOT NULL DEFAULT 0,
    count INTEGER NOT NULL DEFAULT 0,
    window_start FLOAT NOT NULL DEFAULT 0,
    last_update FLOAT NOT NULL DEFAULT 0,
    algorithm VARCHAR(32) NOT NULL DEFAULT 'token_bucket'
)"""


def waiting(port: int) -> dict[str, Call]:
    """Returns the peers whose callers wait: limits' fixed window, throttled-py's GCRA."""
    strategy = FixedWindowRateLimiter(RedisStorage(f"redis://127.0.0.1:{port}/1"))
    item = limits.parse(f"{PER_DAY}/day")
    throttle = Throttled(
        using="gcra",
        quota=f"{PER_DAY}/d burst {PER_DAY}",
        store=RedisStore(server=f"redis://127.0.0.1:{port}/2"),
    )
    return {
        "limits": lambda key: bool(strategy.hit(item, key)),
        "throttled-py": lambda key: not throttle.limit(key).limited,
    }


def awaited(port: int) -> dict[str, AsyncCall]:
    """Returns the same for coroutines; to be made anew for every event loop."""
    storage = AioRedisStorage(f"async+redis://127.0.0.1:{port}/1", implementation="redispy")
    strategy = AioFixedWindowRateLimiter(storage)
    item = limits.parse(f"{PER_DAY}/day")
    throttle = AioThrottled(
        using="gcra",
        quota=f"{PER_DAY}/d burst {PER_DAY}",
        store=AioRedisStore(server=f"redis://127.0.0.1:{port}/2"),
    )

    async def by_limits(key: str) -> bool:
        return bool(await strategy.hit(item, key))

    async def by_throttled(key: str) -> bool:
        return not (await throttle.limit(key)).limited

    return {"limits": by_limits, "throttled-py": by_throttled}


async def fluxlimit(url: str) -> AsyncCall:
    """Returns fluxlimit's token bucket on PostgreSQL, with the pool that it makes itself."""
    connection = await asyncpg.connect(url)
    await connection.execute(_FLUX_TABLE)
    await connection.close()
    config = TokenBucketConfig(key="bench", rate=float(PER_DAY), burst=PER_DAY)
    rule = LimitRule(key="bench", algorithm=TokenBucket(), config=config)
    limiter = RateLimiter(backend=PostgresBackend(dsn=url), default_rule=rule)
    await limiter.connect()

    async def check(key: str) -> bool:
        return bool((await limiter.check(key)).allowed)

    return check
