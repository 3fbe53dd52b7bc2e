"""Turns what a user's key callable answers into a key that every store takes.

Answers are made of what clients send, so any length and any character may come.
"""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, cast

from tidegate.errors import ConfigError, shorten

_LONGEST = 1024
# Of a rule's name, in bytes.
_LONGEST_NAME = 128


def checked_key(answer: object, source: object) -> str:
    """Returns the key that `source` answered, digested if it is long or not Unicode.

    Args:
        answer: what the callable returned.
        source: the callable, to name it in the error.

    Raises:
        ConfigError: the answer is not text, or is empty.
    """
    if not isinstance(answer, str) or not answer:
        hint = ""
        if iscoroutine(answer):
            answer.close()  # else Python warns that it was never awaited
            hint = "; an asynchronous key works in asynchronous code only"
        raise ConfigError(
            f"the key callable {name_of(source)} must return text that is not empty, "
            f"got {shorten(answer)}{hint}"
        )
    if len(answer) <= _LONGEST and answer.isascii():
        return answer
    # Lone surrogates are how Python spells bytes that are no Unicode.
    encoded = answer.encode("utf-8", "surrogatepass")
    if len(encoded) > _LONGEST or _has_surrogates(answer):
        return f"blake2b:{blake2b(encoded, digest_size=32).hexdigest()}"
    return answer


def is_async(function: object) -> bool:
    """True for `async def`, also as a method, as `__call__`, and in a partial."""
    while isinstance(function, partial):
        function = cast("Any", function).func
    called = getattr(type(function), "__call__", None)  # noqa: B004 - the unbound method
    return iscoroutinefunction(function) or iscoroutinefunction(called)


def name_of(function: object) -> str:
    """What an error calls a function."""
    name: Any = getattr(function, "__qualname__", None) or type(function).__qualname__
    # Without the function it was made in, which is long and tells the reader little.
    return shorten(str(name).rpartition("<locals>.")[2])


def rule_name(name: str) -> str:
    """A name that a rule can have: a long one is cut, and stays apart from others that begin so."""
    encoded = name.encode("utf-8", "replace")
    if len(encoded) <= _LONGEST_NAME:
        return name
    digest = blake2b(encoded, digest_size=8).hexdigest()
    kept = encoded[: _LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{kept}~{digest}"


def _has_surrogates(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
