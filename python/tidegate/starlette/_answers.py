"""The response to a refusal that `on_breach` or a template makes, in whichever application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable, iscoroutine
from typing import Any, TypeAlias, cast

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response

from tidegate._breach import Own, answer, ask
from tidegate._keys import name_of
from tidegate._native import Decision, Gate
from tidegate.errors import ConfigError, RateLimitExceeded, shorten

ASGIResponse: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


class BreachAnswered(RateLimitExceeded):
    """A refusal that has its response already; becomes that response."""

    def __init__(self, decision: Decision, response: ASGIResponse) -> None:
        super().__init__(decision)
        self.response = response


async def respond(request: object, error: Exception) -> Any:  # noqa: ARG001 - Starlette's shape
    """Answers a `BreachAnswered`."""
    return cast("BreachAnswered", error).response


async def answered(gate: Gate, request: Request, decision: Decision) -> ASGIResponse | None:
    """Returns what `on_breach` or a template answers; `None` when there is neither."""
    told = ask(gate, request, decision)
    if isawaitable(told):
        told = await told
    return _response(gate, request, decision, told)


def answered_at_once(gate: Gate, request: Request, decision: Decision) -> ASGIResponse | None:
    """Answers as `answered` does, where nothing can be awaited."""
    told = ask(gate, request, decision)
    if iscoroutine(told):
        told.close()  # else Python warns that it was never awaited
        raise ConfigError(
            f"on_breach {name_of(gate.on_breach)} is async, and the limited function is not: make "
            "both async, or neither"
        )
    return _response(gate, request, decision, told)


def will_be_answered(scope: Mapping[str, Any]) -> None:
    """Tells the handlers of exceptions around a request about `BreachAnswered`.

    `TideGate(app)` tells its application at once; a dependency may be used without one.
    """
    noted: Any = scope.get("starlette.exception_handlers")
    if noted is not None:
        noted[0].setdefault(BreachAnswered, respond)
        return
    # Starlette before 0.28 keeps them to itself.
    layer: Any = getattr(scope.get("app"), "middleware_stack", None)
    while layer is not None:
        if isinstance(layer, ExceptionMiddleware):
            layer.add_exception_handler(BreachAnswered, respond)
            return
        layer = getattr(layer, "app", None)


def _response(gate: Gate, request: Request, decision: Decision, told: Any) -> ASGIResponse | None:
    if told is None and gate.template is None:
        return None
    made = answer(gate, decision, told, request.headers.get("accept"))
    if isinstance(made, Own):
        if not callable(made.response):
            raise ConfigError(
                "on_breach must return a response, text, bytes, a dict or list, a tuple "
                f"(body, status, headers), or None, got {shorten(made.response)}"
            )
        return cast("ASGIResponse", made.response)
    return Response(made.body, made.status, dict(made.headers))
