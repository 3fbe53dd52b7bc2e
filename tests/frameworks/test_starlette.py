"""Starlette: the gate is outermost, and streams, tasks and sockets pass through it unharmed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from tidegate import RateLimitExceeded, protect_app, rate_limit
from tidegate.asgi import TideGateMiddleware
from tidegate.testing import Clock, aassert_limited

FIELDS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


def client_of(app: Any, address: str = "192.0.2.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 5000))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def broken(request: Request) -> Response:
    raise KeyError("mine")


def application(**options: Any) -> Starlette:
    return Starlette(routes=[Route("/", hello), Route("/broken", broken)], **options)


async def test_one_line_protects_the_whole_application() -> None:
    app = application()
    assert protect_app(app, "5/minute", clock=Clock()) is app

    async with client_of(app) as client:
        refused = await aassert_limited(lambda: client.get("/"), limit=5)

    assert refused.headers["retry-after"] == "12"  # type: ignore[union-attr]


async def test_the_fields_stand_on_every_kind_of_response() -> None:
    app = application()
    protect_app(app, "4/minute", clock=Clock())

    async with client_of(app) as client:
        answers = [await client.get(path) for path in ("/", "/missing", "/broken", "/", "/")]

    assert [answer.status_code for answer in answers] == [200, 404, 500, 200, 429]
    for answer in answers:
        assert [field for field in FIELDS if field not in answer.headers] == []
        assert ("retry-after" in answer.headers) == (answer.status_code == 429)


async def test_it_may_be_protected_after_it_has_served() -> None:
    app = application()
    async with client_of(app) as client:
        await client.get("/")
        protect_app(app, "2/minute", clock=Clock())

        await aassert_limited(lambda: client.get("/"), limit=2)


async def test_it_may_be_added_as_a_middleware_of_starlettes_own() -> None:
    app = application(middleware=[Middleware(TideGateMiddleware, limit="2/minute", clock=Clock())])

    async with client_of(app) as client:
        await aassert_limited(lambda: client.get("/"), limit=2)


async def test_a_mounted_application_is_limited_with_the_outer_one() -> None:
    app = Starlette(routes=[Mount("/inner", app=application())])
    protect_app(app, "2/minute", clock=Clock())

    async with client_of(app) as client:
        await aassert_limited(lambda: client.get("/inner/"), limit=2)


async def test_the_lifespan_runs() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        events.append("start")
        yield
        events.append("stop")

    app = application(lifespan=lifespan)
    protect_app(app)
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        events.append(message["type"])

    await app({"type": "lifespan"}, receive, send)

    assert events == ["start", "lifespan.startup.complete", "stop", "lifespan.shutdown.complete"]


async def test_a_stream_streams() -> None:
    produced: list[int] = []
    received: list[int] = []

    async def produce() -> AsyncIterator[bytes]:
        for number in range(3):
            produced.append(number)
            yield b"x"

    async def stream(request: Request) -> Response:
        return StreamingResponse(produce())

    app = Starlette(routes=[Route("/", stream)])
    protect_app(app)

    async def send(message: Any) -> None:
        if message.get("body"):
            received.append(len(produced))

    forever = asyncio.Event()

    async def receive() -> Any:
        await forever.wait()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    await app(scope, receive, send)

    assert received == [1, 2, 3]


async def test_a_background_task_runs_after_the_response() -> None:
    events: list[str] = []

    async def view(request: Request) -> Response:
        return PlainTextResponse("ok", background=BackgroundTask(events.append, "task"))

    app = Starlette(routes=[Route("/", view)])
    protect_app(app)

    async with client_of(app) as client:
        assert (await client.get("/")).status_code == 200

    assert events == ["task"]


async def test_a_limited_view_refuses_alone() -> None:
    @rate_limit("2/minute", clock=Clock())
    async def limited(request: Request) -> Response:
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/", hello), Route("/limited", limited)])

    async with client_of(app) as client:
        refused: Any = await aassert_limited(lambda: client.get("/limited"), limit=2)
        other = await client.get("/")

    assert [field for field in FIELDS if field not in refused.headers] == []
    assert refused.headers["retry-after"] == "30"
    assert refused.text == "Too Many Requests"
    assert refused.headers["content-type"] == "text/plain; charset=utf-8"
    assert refused.headers.get_list("content-length") == [str(len(refused.content))]
    assert other.status_code == 200


@pytest.mark.parametrize("is_protected", [True, False])
async def test_a_sync_view_is_limited_by_address(is_protected: bool) -> None:
    @rate_limit("2/minute", key="ip", clock=Clock())
    def limited(request: Request) -> Response:
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/", limited)])
    if is_protected:
        protect_app(app, "50/minute")

    async with client_of(app, "192.0.2.1") as ana, client_of(app, "192.0.2.2") as bob:
        await aassert_limited(lambda: ana.get("/"), limit=2)
        await aassert_limited(lambda: bob.get("/"), limit=2)


async def test_a_function_below_a_view_finds_the_request_by_itself() -> None:
    seen: list[type] = []

    def by_user(request: Any) -> str:
        seen.append(type(request))
        return str(request.query_params["user"])

    @rate_limit("1/minute", key=by_user, clock=Clock())
    async def work() -> None: ...

    async def view(request: Request) -> Response:
        await work()
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/", view)])
    protect_app(app)

    async with client_of(app) as client:
        await aassert_limited(lambda: client.get("/?user=ana"), limit=1)
        assert (await client.get("/?user=bob")).status_code == 200

    assert set(seen) == {Request}


async def test_below_a_view_without_protect_app_it_is_a_429_too() -> None:
    @rate_limit("1/minute", clock=Clock())
    async def work() -> None: ...

    async def view(request: Request) -> Response:
        await work()
        return PlainTextResponse("ok")

    async with client_of(Starlette(routes=[Route("/", view)])) as client:
        await aassert_limited(lambda: client.get("/"), limit=1)


async def test_an_exception_handler_may_answer_instead() -> None:
    @rate_limit("1/minute", clock=Clock())
    async def limited(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def sorry(request: Request, error: Exception) -> Response:
        assert isinstance(error, RateLimitExceeded)
        return PlainTextResponse(f"wait {error.decision.retry_after}", 429)

    app = Starlette(routes=[Route("/", limited)], exception_handlers={RateLimitExceeded: sorry})

    async with client_of(app) as client:
        refused: Any = await aassert_limited(lambda: client.get("/"), limit=1)

    assert refused.text == "wait 60.0"


async def test_starlettes_own_base_middleware_may_stand_below() -> None:
    async def mark(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["x-mark"] = "1"
        return response

    app = application(middleware=[Middleware(BaseHTTPMiddleware, dispatch=mark)])
    protect_app(app, "2/minute", clock=Clock())

    async with client_of(app) as client:
        answer = await client.get("/")

    assert (answer.headers["x-mark"], answer.headers["x-ratelimit-remaining"]) == ("1", "1")


async def connect(app: Any, *messages: Any) -> list[Any]:
    """What the application sends on one WebSocket."""
    sent: list[Any] = []
    received = iter([{"type": "websocket.connect"}, *messages])

    async def receive() -> Any:
        return next(received)

    async def send(message: Any) -> None:
        sent.append(message)

    client = ("192.0.2.1", 5000)
    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b"", "client": client}
    await app(scope, receive, send)
    return sent


async def test_a_handshake_is_limited() -> None:
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/", echo)])
    protect_app(app, "1/minute", clock=Clock())

    accepted = await connect(app)
    refused = await connect(app)

    assert [message["type"] for message in accepted] == ["websocket.accept", "websocket.close"]
    assert (b"x-ratelimit-remaining", b"0") in [
        (name.lower(), value) for name, value in accepted[0]["headers"]
    ]
    assert refused == [{"type": "websocket.close", "code": 1013}]


async def test_a_function_limited_below_a_websocket_closes_it() -> None:
    @rate_limit("2/minute", key="ip", clock=Clock())
    async def work(websocket: WebSocket) -> None: ...

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            await work(websocket)
            await websocket.receive_text()

    text = {"type": "websocket.receive", "text": "x"}

    sent = await connect(Starlette(routes=[WebSocketRoute("/", echo)]), text, text)

    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == 1013
