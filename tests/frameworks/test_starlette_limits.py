"""Starlette: what `TideGate` counts, in process, where a real server would show no more."""

import functools
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from tidegate import rate_limit
from tidegate.fastapi import RateLimit
from tidegate.starlette import TideGate, route_of
from tidegate.testing import Clock

PREFLIGHT = {"origin": "https://example.org", "access-control-request-method": "GET"}


def client_of(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 5000))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def statuses(app: Any, path: str, times: int, method: str = "GET", **headers: str) -> Any:
    async with client_of(app) as client:
        return [
            (await client.request(method, path, headers=headers)).status_code for _ in range(times)
        ]


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def test_one_gate_on_two_applications_counts_a_request_once() -> None:
    gate = TideGate(limit="4/minute", default="3/minute", clock=Clock())
    sub = Starlette(routes=[Route("/job", gate.limit("2/minute")(hello))])
    app = Starlette(routes=[Mount("/sub", sub)])
    gate.init_app(sub)
    gate.init_app(app)

    assert await statuses(app, "/sub/job", 3) == [200, 200, 429]


async def test_a_preflight_is_not_counted_whoever_answers_it() -> None:
    app = Starlette(routes=[Route("/", hello, methods=["GET", "OPTIONS"])])
    TideGate(app, default="2/minute", clock=Clock())

    assert await statuses(app, "/", 4, "OPTIONS", **PREFLIGHT) == [200] * 4
    assert await statuses(app, "/", 3, "OPTIONS") == [200, 200, 429]


async def test_a_limit_is_found_below_other_decorators() -> None:
    gate = TideGate(clock=Clock())
    limited = gate.limit("1/minute")(hello)

    @functools.wraps(limited)
    async def logged(request: Request) -> Response:
        return await limited(request)

    async def named(name: str, request: Request) -> Response:
        return PlainTextResponse(name)

    partial = functools.partial(gate.limit("1/minute")(named), "ana")
    app = Starlette(routes=[Route("/logged", logged), Route("/partial", partial)])
    gate.init_app(app)

    assert await statuses(app, "/logged", 2) == [200, 429]
    assert await statuses(app, "/partial", 2) == [200, 429]


async def test_methods_of_one_template_are_routes_of_their_own() -> None:
    app = Starlette(routes=[Route("/", hello), Route("/", hello, methods=["POST"])])
    TideGate(app, default="1/minute", clock=Clock())

    assert await statuses(app, "/", 2) == [200, 429]
    assert await statuses(app, "/", 1, "HEAD") == [429]
    assert await statuses(app, "/", 2, "POST") == [200, 429]
    assert await statuses(app, "/", 2, "DELETE") == [405, 405]


async def test_a_root_path_of_a_mounted_applications_own_decides_as_it_will() -> None:
    sub = FastAPI()
    sub.add_api_route("/items/{id}", hello)
    app = FastAPI()
    app.mount("/sub", sub)
    scope = {"type": "http", "method": "GET", "path": "/sub/items/1", "headers": []}

    assert (await statuses(app, "/sub/items/1", 1)) == [200]
    assert route_of(app, scope) == "/sub/items/{id}"
    sub.root_path = "/elsewhere"
    assert (await statuses(app, "/sub/items/1", 1)) == [404]
    assert route_of(app, scope) == "/sub/{path:path}"


async def test_the_most_binding_of_several_limits_is_told() -> None:
    gate = TideGate(limit="3/minute", default="9/minute", clock=Clock())

    @rate_limit("7/minute", clock=Clock())
    async def route(request: Request) -> Response:
        return PlainTextResponse(str(request.scope["tidegate"].limit))

    app = Starlette(routes=[Route("/", route)])
    gate.init_app(app)

    async with client_of(app) as client:
        first, second = await client.get("/"), await client.get("/")

    assert first.text == "3"
    assert first.headers["x-ratelimit-remaining"] == "2"
    assert second.headers["x-ratelimit-remaining"] == "1"
    assert len(first.headers.get_list("x-ratelimit-limit")) == 1


async def connect(app: Any, messages: int = 0) -> list[Any]:
    """What the application sends on one WebSocket."""
    sent: list[Any] = []
    received = iter(
        [{"type": "websocket.connect"}, *[{"type": "websocket.receive", "text": "x"}] * messages]
    )

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        sent.append(message)

    client = ("192.0.2.1", 5000)
    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b"", "client": client}
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize("by", ["default", "dependency", "whole"])
async def test_a_refused_websocket_is_told_to_try_again_later(by: str) -> None:
    from fastapi import Depends

    async def route(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    limit = RateLimit("1/minute", clock=Clock())
    app = FastAPI()
    app.add_api_websocket_route(
        "/", route, dependencies=[Depends(limit)] if by == "dependency" else []
    )
    if by == "default":
        TideGate(app, default="1/minute", clock=Clock())
    if by == "whole":
        TideGate(app, "1/minute", clock=Clock())

    accepted, refused = await connect(app), await connect(app)

    assert [message["type"] for message in accepted] == ["websocket.accept", "websocket.close"]
    assert [(message["type"], message.get("code")) for message in refused] == [
        ("websocket.close", 1013)
    ]


async def test_what_is_told_of_a_websocket_does_not_grow_with_its_messages() -> None:
    @rate_limit("1000/minute", key="ip", clock=Clock())
    async def job(websocket: WebSocket) -> None: ...

    async def route(websocket: WebSocket) -> None:
        await websocket.accept()
        for _ in range(50):
            await websocket.receive_text()
            await job(websocket)
        await websocket.send_text(str(len(websocket.scope["tidegate.told"])))

    app = Starlette(routes=[WebSocketRoute("/", route)])
    TideGate(app, default="1000/minute", clock=Clock())

    assert (await connect(app, messages=50))[-1]["text"] == "2"
