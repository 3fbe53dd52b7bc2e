"""The Flask extension as users write it; read by mypy and pyright, and run by `test_surface`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Request, Response
from flask.views import MethodView
from typing_extensions import assert_type

from tidegate import Decision, Gate, Rule
from tidegate.flask import HTTPRateLimitExceeded, TideGate, current_decision
from tidegate.testing import Clock


def an_application() -> None:
    app = Flask("typing")
    TideGate(app)
    TideGate(app, "5/minute", default=lambda: "9/minute", key="ip", clock=Clock())
    TideGate(app, gate=Gate([Rule("all", "5/minute")]), user=lambda: "ana", enabled=False)
    later = TideGate(on_breach=an_answer, store="memory://")
    later.init_app(app)
    assert_type(current_decision(), "Decision | None")


def a_key(request: Request) -> str:
    return request.path


def an_answer(request: Request, decision: Decision) -> tuple[str, int]:
    return request.path, 429 if decision.reason == "limit" else 503


def a_cost(request: Request) -> int:
    return len(request.path)


async def an_async_key(request: Request) -> str:
    return request.path


def limits() -> None:
    gate = TideGate()

    @gate.limit("5/minute", key=a_key, methods=["POST"], cost=a_cost)
    def view(name: str, *, page: int = 1) -> str:
        return name * page

    @gate.shared_limit("5/minute", scope=lambda endpoint: endpoint, exempt_when=lambda: True)
    async def awaited(name: str) -> int:
        return len(name)

    @gate.limit(lambda request: request.path, key=an_async_key, override_defaults=False)
    class Items(MethodView):
        @gate.exempt
        def get(self) -> str:
            return "items"

    part = Blueprint("part", "typing")
    checked: Callable[[str], str] = view
    assert_type(view("a", page=2), str)
    assert_type(gate.limit("5/minute")(part), Blueprint)
    assert_type(gate.exempt(part), Blueprint)
    assert_type(Items().get(), str)
    assert awaited is not None
    assert checked is view


def callbacks() -> None:
    gate = TideGate()

    @gate.request_filter
    def internal(request: Request) -> bool:
        return request.path == "/internal"

    @gate.on_breach
    def answer(request: Request, decision: Decision) -> Response | None:
        return None if decision else Response(request.path)

    checked: Callable[[Request], bool] = internal
    assert checked is internal
    assert answer is not None
    handled: type[Exception] = HTTPRateLimitExceeded
    assert handled is not None


EVERYTHING: list[Callable[[], Any]] = [an_application, limits, callbacks]
