"""Rate limiting for Python: one line for an app, a decorator for a function, a limiter for both.

Start with `protect_app` for a whole web application, `rate_limit` for one function, `Limiter`
for anything else. Importing this package imports no framework and starts no thread.
"""

from __future__ import annotations

from tidegate._limiter import Limiter
from tidegate._native import CountedKey, Decision, Gate, Rule
from tidegate.errors import ConfigError, RateLimitExceeded, StoreError, TidegateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate._decorator import rate_limit
    from tidegate._following import load_gate
    from tidegate._protect import protect_app

    __version__: str

__all__ = [
    "ConfigError",
    "CountedKey",
    "Decision",
    "Gate",
    "Limiter",
    "RateLimitExceeded",
    "Rule",
    "StoreError",
    "TidegateError",
    "__version__",
    "load_gate",
    "protect_app",
    "rate_limit",
]


def __getattr__(name: str) -> object:
    value: object
    # What needs `inspect` or package metadata is loaded when it is first used: together they
    # would cost more than all the rest of this import.
    if name == "rate_limit":
        from tidegate._decorator import rate_limit  # noqa: PLC0415 - see above

        value = rate_limit
    elif name == "protect_app":
        from tidegate._protect import protect_app  # noqa: PLC0415 - see above

        value = protect_app
    elif name == "load_gate":
        from tidegate._following import load_gate  # noqa: PLC0415 - it is for configurations only

        value = load_gate
    elif name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - see above

        value = version("tidegate")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
