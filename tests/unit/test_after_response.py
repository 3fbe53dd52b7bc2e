"""What is left of a request when its response has been sent, and who still finds it."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from typing import Any

import pytest

from tests.unit.test_asgi import HTTP
from tidegate import ConfigError, Gate, Rule, rate_limit
from tidegate._current import noted
from tidegate.asgi import TideGateMiddleware
from tidegate.testing import Clock

START: Any = {"type": "http.response.start", "status": 200, "headers": []}
LAST: Any = {"type": "http.response.body", "body": b"hello"}
# Asked in one call, and the longer way, where the end is told.
OPTIONS: list[dict[str, Any]] = [{}, {"charge_on": "2xx"}]
ways = pytest.mark.parametrize("options", OPTIONS, ids=["short", "long"])


class Exchange:
    """A request as a server has it, which starts a timer when the response is complete."""

    def __init__(self) -> None:
        self.timers: list[Context] = []

    async def receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.timers.append(copy_context())

    async def serve(self, app: Any) -> None:
        await app(dict(HTTP), self.receive, self.send)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send(START)
    await send({**LAST, "more_body": True})
    await send(LAST)


def protected(app: Any, options: dict[str, Any]) -> Any:
    return TideGateMiddleware(app, "100/minute", clock=Clock(), **options)


@ways
@pytest.mark.parametrize("depth", [1, 2])
async def test_a_servers_timer_does_not_keep_the_request(
    options: dict[str, Any], depth: int
) -> None:
    app: Any = hello
    for _ in range(depth):
        app = protected(app, options)
    exchange = Exchange()
    gone, timers = weakref.ref(exchange), exchange.timers

    await exchange.serve(app)
    del exchange

    assert len(timers) == 1
    assert gone() is None


def limited() -> Callable[[], Awaitable[str]]:
    @rate_limit("1/minute", key="ip", clock=Clock())
    async def work() -> str:
        return "done"

    return work


@ways
async def test_work_after_the_response_belongs_to_the_request(options: dict[str, Any]) -> None:
    work = limited()
    done: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        done.append(await work())

    await Exchange().serve(protected(app, options))

    assert done == ["done"]


@ways
async def test_so_does_a_task_that_outlives_it(options: dict[str, Any]) -> None:
    work = limited()
    tasks: list[asyncio.Task[str]] = []

    async def later() -> str:
        await asyncio.sleep(0.01)
        return await work()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.create_task(later()))
        await hello(scope, receive, send)

    await Exchange().serve(protected(app, options))

    assert await tasks[0] == "done"


@ways
async def test_what_is_begun_after_the_response_and_outlives_the_request_stands_alone(
    options: dict[str, Any],
) -> None:
    runs: list[Context] = []
    found: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        runs.append(copy_context())
        found.append(bool(runs[0].run(noted)))

    await Exchange().serve(protected(app, options))
    found.append(bool(runs[0].run(noted)))

    assert found == [True, False]
    by_address = rate_limit("1/minute", key="ip", clock=Clock())(lambda: "done")
    with pytest.raises(ConfigError, match="no request was found"):
        runs[0].run(by_address)
    gate = Gate([Rule("all", "0/minute")])
    refused = runs[0].run(gate.refusal, gate.admit())
    assert "X-RateLimit-Limit" in dict(refused.headers)


@ways
async def test_a_message_of_a_websocket_is_no_end(options: dict[str, Any]) -> None:
    runs: list[Context] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "hello"})
        runs.append(copy_context())

    exchange = Exchange()
    scope = {**HTTP, "type": "websocket"}
    await protected(app, options)(scope, exchange.receive, exchange.send)

    assert runs[0].run(noted)
