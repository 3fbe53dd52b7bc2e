"""What makes no sense is refused at once; the message names it and says what would be right."""

from collections.abc import Callable
from typing import Any

import pytest

from tidegate import ConfigError, Gate, Limiter, Rule, TidegateError, protect_app, rate_limit
from tidegate.asgi import TideGateMiddleware


async def application(scope: Any, receive: Any, send: Any) -> None: ...


async def async_key(user: str) -> str:
    return user


def limited(**options: Any) -> Any:
    return rate_limit(**options)(len)


def checked(*arguments: Any, **options: Any) -> Any:
    return Limiter("5/minute").check(*arguments, **options)


# What is called, with what, and words that the message must have.
CASES: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], list[str]]] = [
    # limits
    (Limiter, (), {}, ["limit is missing", "100/minute"]),
    (Limiter, ("",), {}, ["limit"]),
    (Limiter, ("100/minit",), {}, ["minit", "column 5", "minute"]),
    (Limiter, ("5/minute;",), {}, ["column"]),
    (Limiter, ("5/minute" * 100_000,), {}, ["limit"]),
    (Limiter, (None,), {}, ["limit is missing"]),
    (Limiter, (1.5,), {}, ["`limit`", "1.5", "100/minute"]),
    (Limiter, (True,), {}, ["`limit`", "True"]),
    (Limiter, (-1,), {}, ["`limit`", "-1", "at least 0"]),
    (Limiter, ("5/minute burst 0",), {}, ["burst"]),
    (Limiter, ("5/0s",), {}, ["5/0s"]),
    # the keyword form
    (Limiter, (), {"requests": 5}, ["`period`", "missing"]),
    (Limiter, (), {"period": 5}, ["`requests`", "missing"]),
    (Limiter, (), {"requests": "5", "period": 5}, ["`requests`", "'5'", "whole number"]),
    (Limiter, (), {"requests": -5, "period": 5}, ["`requests`", "-5"]),
    (Limiter, (), {"requests": 5, "period": 0}, ["`period`", "above 0", "0"]),
    (Limiter, (), {"requests": 5, "period": -1.5}, ["`period`", "-1.5"]),
    (Limiter, (), {"requests": 5, "period": float("nan")}, ["`period`", "nan"]),
    (Limiter, (), {"requests": 5, "period": float("inf")}, ["`period`", "inf"]),
    (Limiter, (), {"requests": 5, "period": "fast"}, ["`period`", "'fast'", "5m"]),
    (Limiter, (), {"requests": 5, "period": "1s; 9/s"}, ["`period`", "'1s; 9/s'"]),
    (Limiter, (), {"requests": 5, "period": "1s burst 9"}, ["`period`", "'1s burst 9'"]),
    (Limiter, (), {"requests": 5, "period": ""}, ["`period`"]),
    (Limiter, (), {"requests": 5, "period": [1]}, ["`period`", "[1]"]),
    (Limiter, (), {"requests": 5, "period": 5, "burst": 0}, ["`burst`", "at least 1", "0"]),
    (Limiter, ("5/minute",), {"burst": 9}, ["`burst`", "'5/minute'", "one of the two"]),
    (Limiter, ("5/minute",), {"algorithm": "gcrra"}, ["`algorithm`", "'gcrra'", "fixed_window"]),
    (Limiter, ("5/minute",), {"algorithm": "gcra: 9/hour; gcra"}, ["`algorithm`", "fixed_window"]),
    (Limiter, ("5/minit",), {"algorithm": "fixed_window"}, ['"5/minit"', "column 3"]),
    (Limiter, ("5/minute",), {"algorithm": 5}, ["`algorithm`", "5"]),
    (Limiter, ("gcra: 5/minute",), {"algorithm": "gcra"}, ["`algorithm`", "names one too"]),
    # stores and names
    (Limiter, ("5/minute",), {"store": "memry://"}, ["memry://", "memory://"]),
    (Limiter, ("5/minute",), {"name": ""}, ["name"]),
    # keys and costs
    (checked, (42,), {}, ["key", "42", "str"]),
    (checked, (b"ana",), {}, ["key", "bytes"]),
    (checked, (None,), {}, ["key", "None"]),
    (checked, ("",), {}, ["key", "empty"]),
    (checked, ("x" * 1_000_000,), {}, ["key", "1000000", "1024"]),
    (checked, ("ana",), {"cost": -1}, ["cost", "-1"]),
    (checked, ("ana",), {"cost": 1.5}, ["cost", "1.5"]),
    (checked, ("ana",), {"cost": 2**40}, ["cost", str(2**40)]),
    (Limiter("5/minute").acquire, ("ana",), {"timeout": -1}, ["`timeout`", "-1"]),
    (Limiter("5/minute").acquire, ("ana",), {"timeout": "1s"}, ["`timeout`", "'1s'"]),
    (Limiter("5/minute").acquire, ("",), {}, ["key", "empty"]),
    # the decorator
    (limited, (), {}, ["limit is missing"]),
    (rate_limit, (len,), {}, ["@rate_limit", "100/minute"]),
    (limited, (), {"limit": "5/minit"}, ["minit", "column"]),
    (limited, (), {"limit": "5/minute", "cost": 6}, ["6", "5"]),
    (limited, (), {"limit": "5/minute", "cost": -1}, ["`cost`", "-1"]),
    (limited, (), {"limit": "5/minute", "key": "adress"}, ["adress", "header:NAME"]),
    (limited, (), {"limit": "5/minute", "key": 5}, ["`key`", "5", "callable"]),
    (limited, (), {"limit": "5/minute", "key": async_key}, ["async_key", "'len'", "both"]),
    (rate_limit("5/minute"), (int,), {}, ["class 'int'", "methods"]),
    (rate_limit("5/minute"), (5,), {}, ["5", "function"]),
    (rate_limit("5/minute"), (staticmethod(len),), {}, ["below @staticmethod"]),
    (rate_limit("5/minute"), (classmethod(lambda cls: 1),), {}, ["below @classmethod"]),
    # applications
    (protect_app, (application, "5/minit"), {}, ["minit", "column"]),
    (protect_app, (application, "5/minute", 1), {}, ["`per_ip`", "1"]),
    (protect_app, (application, 5, True, -1), {}, ["`ip_ttl`", "-1"]),
    (protect_app, (application, 5, True), {"key": "ip"}, ["`per_ip`", "`key`"]),
    (protect_app, (application,), {"trusted_proxies": ["10.0.0.0/40"]}, ["10.0.0.0/40"]),
    (protect_app, (application,), {"trusted_proxies": 1.5}, ["trusted_proxies", "1.5"]),
    (protect_app, (application,), {"ipv6_prefix": 0}, ["ipv6_prefix", "0"]),
    (protect_app, (application,), {"headers": "x-ratelimits"}, ["x-ratelimits"]),
    (protect_app, (application,), {"cost": 101}, ["101", "100"]),
    (protect_app, (application,), {"gate": 5}, ["`gate`", "5"]),
    (
        TideGateMiddleware,
        (application,),
        {"gate": Gate([Rule("a", "5/minute")]), "name": "b"},
        ["`gate`", "`name`"],
    ),
    (
        TideGateMiddleware,
        (application, "5/minute"),
        {"gate": Gate([Rule("a", "5/minute")])},
        ["`gate`", "`limit`"],
    ),
]


@pytest.mark.parametrize(("function", "arguments", "options", "words"), CASES)
def test_the_message_names_what_is_wrong(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    options: dict[str, Any],
    words: list[str],
) -> None:
    with pytest.raises(ConfigError) as caught:
        function(*arguments, **options)

    message = str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert [word for word in words if word not in message] == [], message
    assert len(message) < 500


@pytest.mark.parametrize("value", [None, 5, 1.5])
def test_a_wrong_type_is_a_type_error_too(value: object) -> None:
    with pytest.raises(TypeError) as caught:
        checked(value)

    assert isinstance(caught.value, TidegateError)


def test_an_option_that_nobody_knows_is_pythons_own_error() -> None:
    with pytest.raises(TypeError, match="confg"):
        protect_app(application, confg="x")  # type: ignore[call-overload]
