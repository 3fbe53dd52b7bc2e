"""Every public name as users write it; read by mypy and pyright, and run by `test_surface`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from typing_extensions import assert_type

import tidegate
from tidegate import (
    ConfigError,
    Decision,
    Gate,
    Limiter,
    RateLimitExceeded,
    Rule,
    StoreError,
    TidegateError,
    asgi,
    protect_app,
    rate_limit,
    wsgi,
)
from tidegate.testing import Clock, aassert_limited, assert_limited, disabled, frozen_clock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

assert_type(tidegate.__version__, str)


def limiters() -> None:
    """A limiter's constructor and its checks."""
    clock = Clock(unix=0.0)
    limiter = Limiter("10/second; 500/hour", name="api", store="memory://", clock=clock)
    assert_type(limiter, Limiter)
    assert_type(Limiter(requests=5, period=timedelta(minutes=5), burst=10), Limiter)
    assert_type(Limiter(5, algorithm="token_bucket"), Limiter)

    decision = limiter.check("ana", cost=2)
    assert_type(decision, Decision)
    assert_type(decision.allowed, bool)
    assert_type(decision.remaining, int)
    assert_type(decision.retry_after, float)
    assert_type(decision.key, str | None)
    assert_type(decision.headers(), dict[str, str])
    assert_type(limiter.allow("ana"), bool)
    assert_type(limiter.check_many(["ana", "bob"], cost=2), list[Decision])
    assert_type(limiter.allow_many({"ana": 1, "bob": 2}), list[bool])
    assert_type(limiter.peek("ana"), Decision)
    assert_type(limiter.acquire("bob", timeout=timedelta(seconds=1)), Decision)

    with limiter.reserve("tenant", cost=5) as reservation:
        assert_type(reservation.decision, Decision)
        reservation.settle(3)
    with limiter as entered:
        assert_type(entered, Limiter)


async def awaited_limiters() -> None:
    """What is awaited."""
    limiter = Limiter("10/second")
    assert_type(await limiter.acheck("ana"), Decision)
    assert_type(await limiter.aallow("ana"), bool)
    assert_type(await limiter.acheck_many(["ana", "bob"]), list[Decision])
    assert_type(await limiter.aallow_many(("ana", "bob")), list[bool])
    assert_type(await limiter.aacquire("ana", cost=1, timeout=0.5), Decision)
    async with limiter.reserve("tenant", cost=5) as reservation:
        assert_type(reservation.decision, Decision)
    async with limiter as entered:
        assert_type(entered, Limiter)
    await limiter.aclose()


@rate_limit("100/minute")
def plain(number: int, *, flag: bool = False) -> str:
    """A function."""
    return f"{number} {flag}"


def key_of(number: int) -> str:
    """A key made of the function's own argument."""
    return str(number)


@rate_limit(requests=100, period=300, key=key_of, cost=1)
async def awaited(number: int) -> str:
    """A coroutine function."""
    return str(number)


@rate_limit("100/minute", name="numbers", headers=["draft", "legacy"])
def numbers() -> Iterator[int]:
    """A generator function."""
    yield 1


class Service:
    """Methods."""

    @rate_limit("100/minute")
    def method(self, number: int) -> int:
        """A method."""
        return number


async def functions() -> None:
    """Decorated functions keep their types."""
    assert_type(plain(1, flag=True), str)
    assert_type(await awaited(1), str)
    assert_type(numbers(), Iterator[int])
    assert_type(Service().method(1), int)


async def asgi_app(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """An ASGI application."""


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A WSGI application."""
    return []


async def user_of(request: asgi.Request) -> str:
    """An async key."""
    return request.headers.get("x-user", "nobody")


def applications() -> None:
    """Frameworks' applications stay what they are; others are wrapped."""
    from fastapi import FastAPI
    from flask import Flask

    assert_type(protect_app(FastAPI(), "100/minute", per_ip=True), FastAPI)
    assert_type(protect_app(Flask("test"), 100, True, 600), Flask)
    assert_type(protect_app(asgi_app, key=user_of), asgi.TideGateMiddleware)
    assert_type(protect_app(wsgi_app, key="header:x-user"), wsgi.TideGateMiddleware)
    protect_app(asgi_app, key=lambda request: request.cookies["session"])

    gate = Gate([Rule("all", "100/minute"), Rule("each", "5/minute", key="ip")])
    assert_type(asgi.TideGateMiddleware(asgi_app, gate=gate), asgi.TideGateMiddleware)
    assert_type(wsgi.TideGateMiddleware(wsgi_app, "5/minute"), wsgi.TideGateMiddleware)
    assert_type(gate.admit(address="192.0.2.1"), Decision)


def errors() -> None:
    """The tree of exceptions."""
    try:
        plain(1)
    except RateLimitExceeded as exceeded:
        assert_type(exceeded.decision, Decision)
        assert_type(exceeded.key, str | None)
    except (ConfigError, StoreError) as error:
        base: TidegateError = error
        raise base from None


async def testing() -> None:
    """What tests use."""
    with frozen_clock() as clock, disabled():
        assert_type(clock, Clock)
    limiter = Limiter("1/minute", clock=Clock())
    outcome = assert_limited(lambda: limiter.check("ana"), limit=1)
    assert_type(outcome, Decision | RateLimitExceeded)
    check: Callable[[], Awaitable[Decision]] = lambda: limiter.acheck("bob")  # noqa: E731
    assert_type(await aassert_limited(check, limit=1), Decision | RateLimitExceeded)


EVERYTHING: list[Callable[[], Any]] = [
    limiters,
    awaited_limiters,
    functions,
    applications,
    errors,
    testing,
]
