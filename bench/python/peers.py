"""The other libraries, each called as its own documentation has it.

Every subject checks one key under the same limit, in memory. Where a library offers several
algorithms, the one named is the cheapest that does the job for any number of keys.
"""

from datetime import timedelta
from typing import Any

import limits  # type: ignore[import-not-found]
from floodgate import FixedMapping  # type: ignore[import-not-found]
from limits.storage import MemoryStorage  # type: ignore[import-not-found]
from limits.strategies import FixedWindowRateLimiter  # type: ignore[import-not-found]
from pyrate_limiter import (  # type: ignore[import-not-found]
    BucketFactory,
    Duration,
    Limiter,
    MonotonicClock,
    Rate,
    RateItem,
    StateBucket,
    TokenBucket,
)
from throttled import Throttled  # type: ignore[import-not-found]
from throttled.store import MemoryStore  # type: ignore[import-not-found]

from bench.python.measure import Subject, each

# throttled-py forgets keys above this number; by default already above 1024.
_ROOM = 20_000_000


def subjects(per_day: int) -> dict[str, Subject]:
    """Returns every peer with a limit of `per_day` and nothing counted yet."""
    return {
        "limits": limits_fixed_window(per_day),
        "throttled-py": throttled_py(per_day),
        "pyrate-limiter": pyrate_limiter(per_day),
        "floodgate-rs": floodgate(per_day),
    }


def floodgate(per_day: int) -> Subject:
    """Returns floodgate-rs: one window per key, in Rust."""
    mapping = FixedMapping(capacity=per_day, period=timedelta(days=1))
    return each("mapping.trigger(key)", mapping=mapping)


def limits_fixed_window(per_day: int) -> Subject:
    """Returns limits' fixed window, its cheapest strategy."""
    strategy = FixedWindowRateLimiter(MemoryStorage())
    item = limits.parse(f"{per_day}/day")
    return each("strategy.hit(item, key)", strategy=strategy, item=item)


def throttled_py(per_day: int) -> Subject:
    """Returns throttled-py's GCRA."""
    store = MemoryStore(options={"MAX_SIZE": _ROOM})
    throttle = Throttled(using="gcra", quota=f"{per_day}/d burst {per_day}", store=store)
    return each("throttle.limit(key)", throttle=throttle)


class _Buckets(BucketFactory):  # type: ignore[misc]
    """A bucket for every key, as pyrate-limiter's guide makes one."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.clock = MonotonicClock()
        self.buckets: dict[str, Any] = {}

    def wrap_item(self, name: str, weight: int = 1) -> RateItem:
        return RateItem(name, self.clock.now(), weight=weight)

    def get(self, item: RateItem) -> Any:
        bucket = self.buckets.get(item.name)
        if bucket is None:
            bucket = self.buckets[item.name] = StateBucket([self.rate], algorithm=TokenBucket())
        return bucket


def pyrate_limiter(per_day: int) -> Subject:
    """Returns pyrate-limiter's token bucket, which keeps no entry for every request."""
    limiter = Limiter(_Buckets(Rate(per_day, Duration.DAY)))
    return each("limiter.try_acquire(key, blocking=False)", limiter=limiter)
