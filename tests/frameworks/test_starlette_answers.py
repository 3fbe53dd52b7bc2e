"""Starlette and FastAPI: what `on_breach` and templates answer, wherever a limit stands."""

from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from tidegate import ConfigError, rate_limit
from tidegate.fastapi import RateLimit, TideGate
from tidegate.testing import Clock

PLACES = ["whole", "default", "own", "dependency", "sync decorator", "async decorator"]


def application(place: str, **settings: Any) -> FastAPI:
    """An application that lets one request in, by a limit in that place."""
    options: Any = {"clock": Clock(), **settings}
    app = FastAPI()
    gate = TideGate(clock=Clock())

    def sync_route() -> Response:
        return PlainTextResponse("ok")

    async def async_route() -> Response:
        return PlainTextResponse("ok")

    route: Any = sync_route if place.startswith("sync") else async_route
    if place in ("whole", "default"):
        name = "limit" if place == "whole" else "default"
        gate = TideGate(**{name: "1/minute"}, **options)
    if place == "own":
        gate.limit("1/minute", **options)(route)
    if place.endswith("decorator"):
        route = rate_limit("1/minute", **options)(route)
    dependencies = [Depends(RateLimit("1/minute", **options))] if place == "dependency" else []
    sub = FastAPI()
    for each in (app, sub):
        each.add_api_route("/", route, dependencies=dependencies)
    app.mount("/sub", sub)
    gate.init_app(app)
    return app


async def refused_by(app: Any, path: str = "/") -> httpx.Response:
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get(path)).status_code == 200
        return await client.get(path)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", ["/", "/sub/"])
async def test_a_response_of_the_frameworks_goes_out(place: str, path: str) -> None:
    app = application(place, on_breach=lambda _, decision: HTMLResponse(decision.rule or "", 420))

    answer = await refused_by(app, path)

    assert (answer.status_code, answer.headers["content-type"]) == (420, "text/html; charset=utf-8")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("told", "status", "body"),
    [
        ("wait", 429, "wait"),
        ({"wait": 60}, 429, '{"wait": 60}'),
        (("later", 503), 503, "later"),
        ((["a"], 420, {"x-mine": "1"}), 420, '["a"]'),
    ],
)
async def test_a_short_answer_becomes_a_response(
    place: str, told: Any, status: int, body: str
) -> None:
    answer = await refused_by(application(place, on_breach=lambda request, decision: told))

    assert (answer.status_code, answer.text) == (status, body)
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["x-ratelimit-remaining"] == "0"


@pytest.mark.parametrize("place", [place for place in PLACES if not place.startswith("sync")])
async def test_an_answer_may_be_awaited(place: str) -> None:
    async def sorry(request: Any, decision: Any) -> str:
        return "wait"

    assert (await refused_by(application(place, on_breach=sorry))).text == "wait"


async def test_an_async_answer_to_a_sync_function_is_an_error() -> None:
    async def sorry(request: Any, decision: Any) -> str:
        return "wait"

    with pytest.raises(ConfigError, match="async"):
        await refused_by(application("sync decorator", on_breach=sorry))


@pytest.mark.parametrize("place", PLACES)
async def test_none_means_the_usual_answer(place: str) -> None:
    answer = await refused_by(application(place, on_breach=lambda request, decision: None))

    assert answer.status_code == 429
    assert answer.headers["content-type"] in ("application/json", "application/problem+json")


@pytest.mark.parametrize("place", PLACES)
async def test_a_template_makes_the_body(place: str) -> None:
    answer = await refused_by(application(place, template="wait $retry_after s"))

    assert (answer.status_code, answer.text) == (429, "wait 60 s")


@pytest.mark.parametrize("place", PLACES)
async def test_an_answer_that_is_none_is_an_error(place: str) -> None:
    app = application(place, on_breach=lambda request, decision: 7)

    with pytest.raises(ConfigError, match="on_breach"):
        await refused_by(app)


async def test_a_users_handler_of_429_does_not_hide_the_answer() -> None:
    async def mine(request: Request, error: Exception) -> Response:
        return PlainTextResponse("mine", 429)

    app = application("dependency", on_breach=lambda request, decision: "answer")
    app.add_exception_handler(429, mine)

    assert (await refused_by(app)).text == "answer"


async def test_a_mounted_applications_refusal_reaches_the_outer_handlers() -> None:
    async def mine(request: Request, error: Exception) -> Response:
        return PlainTextResponse("mine", 429)

    async def hello(request: Request) -> Response:
        return PlainTextResponse("hello")

    sub = Starlette(routes=[Route("/", hello)])
    app = Starlette(routes=[Mount("/sub", sub)], exception_handlers={429: mine})
    TideGate(app, default="1/minute", clock=Clock())

    assert (await refused_by(app, "/sub/")).text == "mine"
