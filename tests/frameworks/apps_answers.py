"""Applications whose limits ask the user's own code: what to answer, who is exempt, which limit.

Of what `ANSWERS` says there is one limited application each, at `/text`, `/bytes` …, which admits
one request an hour.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.frameworks.apps_plain import asgi_site, wsgi_site
from tidegate import asgi, protect_app, wsgi

TEMPLATES = {
    "page": "<p>Come back in $retry_after s, $$1 says $rule at $address.</p>",
    "object": '{"limit": "$limit", "wait": "$retry_after"}',
    "line": "wait $retry_after",
}


def fail(request: Any, decision: Any) -> Any:
    """A callback with a mistake in it."""
    raise KeyError("mine")


def told(request: Any, decision: Any) -> Any:
    """What a callback is given."""
    return {
        "method": request.method,
        "path": request.path,
        "key": request.headers.get("x-api-key"),
        "allowed": decision.allowed,
        "rule": decision.rule,
        "limit": decision.limit,
    }


ANSWERS: dict[str, Callable[[Any, Any], Any]] = {
    "text": lambda request, decision: "slow down",
    "umlaut": lambda request, decision: "langs\u00e4mer",
    "bytes": lambda request, decision: b"slow\xff",
    "empty": lambda request, decision: "",
    "dict": lambda request, decision: {"wait": round(decision.retry_after)},
    "list": lambda request, decision: ["slow", "down"],
    "pair": lambda request, decision: ("busy", 503),
    "triple": lambda request, decision: ({"a": 1}, 418, {"X-Teapot": "yes"}),
    "default": lambda request, decision: None,
    "told": told,
    "raises": fail,
}


def later(answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The same callback, to be awaited."""

    async def asked(request: Any, decision: Any) -> Any:
        await asyncio.sleep(0)
        return answer(request, decision)

    return asked


def wsgi_answers() -> Any:
    """Every kind of answer."""
    limited = partial(wsgi.TideGateMiddleware, wsgi_site, "1/hour")
    apps = {f"/{name}": limited(on_breach=answer) for name, answer in ANSWERS.items()}
    apps |= {f"/{name}": limited(template=text) for name, text in TEMPLATES.items()}
    return lambda environ, start_response: apps[environ["PATH_INFO"]](environ, start_response)


def asgi_answers(wrap: Callable[[Any], Any] = lambda answer: answer) -> Any:
    """Every kind of answer."""
    limited = partial(asgi.TideGateMiddleware, asgi_site, "1/hour")
    apps = {f"/{name}": limited(on_breach=wrap(answer)) for name, answer in ANSWERS.items()}
    apps |= {f"/{name}": limited(template=text) for name, text in TEMPLATES.items()}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await apps[scope["path"]](scope, receive, send)

    return app


def asgi_awaited() -> Any:
    """Every kind of answer, from callbacks that are async."""
    return asgi_answers(later)


def plan(key: str, request: Any) -> str | None:
    """The limit that a customer has paid for."""
    return {"gold": "3/hour", "closed": "0/hour"}.get(key)


def is_health_check(request: Any) -> bool:
    """Who is not to be counted."""
    return bool(request.path == "/items/health")


LIMITS: dict[str, Any] = {
    "limit": "1/hour",
    "key": "header:x-plan",
    "limit_for": plan,
    "exempt_when": is_health_check,
}


def wsgi_limits() -> Any:
    """A limit for each plan, and an exemption."""
    return protect_app(wsgi_site, **LIMITS)


def asgi_limits() -> Any:
    """The same, from callables that are async."""

    async def plan_later(key: str, request: Any) -> str | None:
        await asyncio.sleep(0)
        return plan(key, request)

    async def is_exempt(request: Any) -> bool:
        await asyncio.sleep(0)
        return is_health_check(request)

    return protect_app(asgi_site, **{**LIMITS, "limit_for": plan_later, "exempt_when": is_exempt})


def wsgi_excluded() -> Any:
    """Paths that no rule matches."""
    return protect_app(wsgi_site, "1/hour", match={"exclude": ["/items/**", "/moved"]})


def asgi_excluded() -> Any:
    """Paths that no rule matches."""
    return protect_app(asgi_site, "1/hour", match={"exclude": ["/items/**", "/moved"]})
