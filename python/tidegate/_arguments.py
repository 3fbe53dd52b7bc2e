"""Checks what users pass in, and writes it as the limit strings that the compiled module reads.

Every error here names the argument, its value, and what would be right. What a limit string may
say is known to the compiled module alone; nothing here parses one.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta

from tidegate._native import canonical_limit
from tidegate.errors import ConfigError, ConfigTypeError, shorten

ALGORITHMS = (
    "gcra",
    "token_bucket",
    "leaky_bucket",
    "fixed_window",
    "sliding_window_log",
    "sliding_window_counter",
)
"""The algorithms by name, the default first. Limit strings accept aliases too."""

_NANOSECONDS = 1_000_000_000
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_EXAMPLE = 'such as "100/minute"'


def limit_string(
    limit: str | int | None = None,
    *,
    requests: int | None = None,
    period: float | timedelta | str | None = None,
    burst: int | None = None,
    algorithm: str | None = None,
) -> str:
    """Writes either form of a limit as one limit string.

    Args:
        limit: a limit string, or a number of units per second.
        requests: units per `period`; instead of `limit`.
        period: seconds, a timedelta, or text such as "5m"; above 0.
        burst: units at once, at least 1; as many as `requests` if omitted.
        algorithm: a name out of `ALGORITHMS`, for every limit in the string.

    Raises:
        ConfigError: naming the argument that is wrong.
    """
    if limit is None:
        text = _composed(requests, period, burst)
    else:
        for name, value in (("requests", requests), ("period", period), ("burst", burst)):
            if value is not None:
                raise ConfigError(
                    f"`{name}` and a limit {shorten(limit)} are both given: give one of the two"
                )
        text = _written(limit)
    return text if algorithm is None else _with_algorithm(text, algorithm)


def whole_number(name: str, value: object, *, least: int) -> int:
    """Returns `value` if it is an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigTypeError(f"`{name}` must be a whole number, got {shorten(value)}")
    if value < least:
        raise ConfigError(f"`{name}` must be at least {least}, got {value}")
    return value


def seconds_ns(name: str, value: object) -> int:
    """Converts seconds, or a timedelta, to whole nanoseconds; refuses what is not finite."""
    if isinstance(value, timedelta):
        microseconds = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
        return microseconds * 1_000
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigTypeError(f"`{name}` must be seconds or a timedelta, got {shorten(value)}")
    if not math.isfinite(value):
        raise ConfigError(f"`{name}` must be a finite number of seconds, got {value}")
    return value * _NANOSECONDS if isinstance(value, int) else round(value * _NANOSECONDS)


def seconds(name: str, value: object) -> float:
    """Converts seconds, a timedelta, or text such as "500ms", "1s" or "2m", to seconds above 0."""
    found: float
    if isinstance(value, str):
        parts = _DURATION.fullmatch(value)
        if parts is None:
            raise ConfigError(
                f'`{name}` must be a time such as "500ms", "1s" or "2m", got {shorten(value)}'
            )
        found = float(parts[1]) * _UNITS[parts[2]]
    else:
        found = seconds_ns(name, value) / _NANOSECONDS
    if found <= 0:
        raise ConfigError(f"`{name}` must be above 0 seconds, got {shorten(value)}")
    return found


def text(name: str, value: object) -> str:
    """Returns `value` if it is a str that is not empty."""
    if not isinstance(value, str):
        raise ConfigTypeError(f"`{name}` must be text, got {shorten(value)}")
    if not value:
        raise ConfigError(f"`{name}` must not be empty")
    return value


def _written(limit: object) -> str:
    if isinstance(limit, int) and not isinstance(limit, bool):
        return f"{whole_number('limit', limit, least=0)}/second"
    if not isinstance(limit, str):
        raise ConfigTypeError(
            f"`limit` must be a limit string {_EXAMPLE}, or requests per second as a whole "
            f"number, got {shorten(limit)}"
        )
    # Read as the user wrote it, so that the column in an error is the user's column.
    canonical_limit(limit)
    return limit


def _composed(requests: object, period: object, burst: object) -> str:
    if requests is None or period is None:
        missing = "requests" if requests is None else "period"
        if requests is None and period is None:
            raise ConfigError(f"a limit is missing: give one {_EXAMPLE}, or requests and period")
        raise ConfigError(f"`{missing}` is missing: requests and period go together")
    count = whole_number("requests", requests, least=0)
    composed = f"{count}/{_period(period)}"
    if burst is None:
        return composed
    return f"{composed} burst {whole_number('burst', burst, least=1)}"


def _period(period: object) -> str:
    if not isinstance(period, str):
        nanoseconds = seconds_ns("period", period)
        if nanoseconds <= 0:
            raise ConfigError(f"`period` must be above 0 seconds, got {shorten(period)}")
        return f"{nanoseconds}ns"
    # Only what can be a duration goes into the string: never a second limit or a burst.
    compact = "".join(period.split())
    hint = 'such as 300, "5m" or timedelta(minutes=5)'
    if not compact.replace(".", "").isalnum():
        raise ConfigError(f"`period` must be a duration {hint}, got {shorten(period)}")
    try:
        canonical_limit(f"1/{compact}")
    except ConfigError as error:
        raise ConfigError(
            f"`period` must be a duration {hint}, got {shorten(period)}: {error}"
        ) from None
    return compact


def _with_algorithm(limit: str, algorithm: object) -> str:
    name = text("algorithm", algorithm)
    known = ", ".join(ALGORITHMS)
    try:
        if not name.isidentifier():
            raise ConfigError("not a name")
        canonical_limit(f"{name}: 1/second")
    except ConfigError:
        raise ConfigError(f"`algorithm` must be one of {known}, got {shorten(name)}") from None
    if ":" in limit:
        raise ConfigError(
            f"`algorithm` {name!r} is given, but the limit {shorten(limit)} names one too"
        )
    parts = limit.replace(",", ";").replace("|", ";").split(";")
    composed = "; ".join(f"{name}: {part.strip()}" for part in parts)
    canonical_limit(composed)
    return composed
