"""Every exception that tidegate raises.

* TidegateError
  * ConfigError (also a ValueError): something is set up in a way that can never work.
    * ConfigTypeError (also a TypeError): a value of the wrong type.
  * StoreError: the store could not decide.
  * RateLimitExceeded: the call was refused; carries the decision.

A refused `Limiter.check` is an answer, not an error: only what cannot answer otherwise, such as
a decorated function, raises `RateLimitExceeded`. This module imports nothing of tidegate: the
compiled module raises these classes too.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate._native import Decision

__all__ = ["ConfigError", "ConfigTypeError", "RateLimitExceeded", "StoreError", "TidegateError"]

# A key is chosen by the client: this much of it, in characters, goes into a message.
_SHOWN = 64


class TidegateError(Exception):
    """Base of every exception that tidegate raises."""


class ConfigError(TidegateError, ValueError):
    """Something is set up, or called, in a way that can never work."""


class ConfigTypeError(ConfigError, TypeError):
    """A value has the wrong type."""


class StoreError(TidegateError):
    """The store could not decide."""


class RateLimitExceeded(TidegateError):  # noqa: N818 - the name that the field uses
    """The call was refused, and its body did not run.

    Args:
        decision: the refusal.
        key: who was refused; the decision's own key if omitted.

    Attributes:
        decision: the refusal, with `retry_after` in seconds and the header fields.
        key: who was refused, in full, or `None` when nobody in particular was.
    """

    def __init__(self, decision: Decision, key: str | None = None) -> None:
        self.decision = decision
        self.key = decision.key if key is None else key
        # Not super(): in a subclass that is also a framework's exception, that would be the
        # framework's constructor, which takes something else.
        Exception.__init__(self, _message(decision, self.key))

    def __str__(self) -> str:
        # Before a framework's own __str__ in the order of bases.
        return _message(self.decision, self.key)

    def __reduce__(self) -> tuple[type[RateLimitExceeded], tuple[Decision, str | None]]:
        # As the plain class also from subclasses, whose responses belong to one request.
        return RateLimitExceeded, (self.decision, self.key)


def _message(decision: Decision, key: str | None) -> str:
    rule = shorten(decision.rule)
    who = "" if key is None else f" for {shorten(key)}"
    if decision.reason == "never":
        return f"rate limit {rule}: the call{who} costs more than the limit ever allows"
    what = "reached" if decision.reason == "limit" else f"refused ({decision.reason})"
    if math.isinf(decision.retry_after):
        return f"rate limit {rule} {what}{who}"
    return f"rate limit {rule} {what}{who}; retry in {math.ceil(decision.retry_after)} s"


def shorten(value: object) -> str:
    """Writes any value for a message: escaped, quoted if text, and at most a line long."""
    if isinstance(value, str):
        # Cut first: escaping a megabyte to throw it away is work for an attacker to give.
        shown = ascii(value[:_SHOWN])
        return shown if len(value) <= _SHOWN else f"{shown}... ({len(value)} characters)"
    try:
        shown = ascii(value)
    except Exception:  # noqa: BLE001 - a user's __repr__ may raise anything
        shown = f"<{type(value).__name__}>"
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
