"""How much is measured: everything, or enough to see whether a change made a difference."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Rounds and sizes of one run."""

    name: str
    rounds: int
    """Rounds of every scenario."""
    milliseconds: int
    """Processor time of one contender in one round."""
    stalls: int
    """Fresh tables that are filled to find the longest stall."""
    keys: tuple[int, ...]
    """Numbers of keys, in Rust."""
    threaded: tuple[int, ...]
    """Those of them that are measured on two threads as well."""
    python_keys: tuple[int, ...]
    """Numbers of keys from Python, for everybody."""
    python_own_keys: tuple[int, ...]
    """The same, for tidegate alone: other libraries would take minutes to fill."""
    load_rounds: int
    """How often every application is served."""
    load_seconds: int
    """Time of the clock for one served application in one round."""
    store_milliseconds: int
    """Time of the clock for one contender in one round, where checks leave the process."""


FULL = Effort(
    name="full",
    rounds=21,
    milliseconds=15,
    stalls=5,
    keys=(1, 1_000, 100_000, 1_000_000, 10_000_000),
    threaded=(1, 100_000, 10_000_000),
    python_keys=(1_000, 100_000),
    python_own_keys=(1_000_000, 10_000_000),
    load_rounds=15,
    load_seconds=2,
    store_milliseconds=150,
)
QUICK = Effort(
    name="quick",
    rounds=7,
    milliseconds=8,
    stalls=2,
    keys=(1, 100_000, 1_000_000),
    threaded=(1, 100_000),
    python_keys=(100_000,),
    python_own_keys=(1_000_000,),
    load_rounds=3,
    load_seconds=1,
    store_milliseconds=60,
)
