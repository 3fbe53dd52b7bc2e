"""Starlette and FastAPI: a route that was found once, and what makes it look again."""

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, StringConvertor
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Match, Mount, Route

from tidegate.starlette import TideGate, _places
from tidegate.starlette._places import Places
from tidegate.starlette._shape import Shape
from tidegate.testing import Clock


async def hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def other(request: Request) -> Response:
    return PlainTextResponse("other")


async def statuses(app: Any, path: str, times: int, method: str = "GET") -> list[int]:
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return [(await client.request(method, path)).status_code for _ in range(times)]


def scope(path: str, method: str = "GET", **others: Any) -> dict[str, Any]:
    return {"type": "http", "path": path, "method": method, "headers": [], **others}


async def test_a_route_that_comes_later_is_seen() -> None:
    app = Starlette(routes=[Route("/{name}", hello)])
    gate = TideGate(app, default="2/minute", clock=Clock())
    gate.limit("1/minute")(other)

    assert await statuses(app, "/a", 1) == [200]

    app.routes.insert(0, Route("/a", other))

    assert await statuses(app, "/a", 2) == [200, 429]


async def test_a_limit_that_comes_later_is_asked() -> None:
    app = Starlette(routes=[Route("/", hello)])
    gate = TideGate(app, limit="100/minute", clock=Clock())

    assert await statuses(app, "/", 2) == [200, 200]

    gate.limit("1/minute")(hello)

    assert await statuses(app, "/", 2) == [200, 429]


async def test_an_exemption_that_comes_later_holds() -> None:
    app = Starlette(routes=[Route("/", hello)])
    gate = TideGate(app, limit="3/minute", default="2/minute", clock=Clock())

    assert await statuses(app, "/", 1) == [200]

    gate.exempt(hello)

    assert await statuses(app, "/", 4) == [200] * 4


async def test_methods_of_one_path_are_two_places() -> None:
    app = Starlette(routes=[Route("/", hello), Route("/", other, methods=["POST"])])
    TideGate(app, default="1/minute", clock=Clock())

    assert await statuses(app, "/", 2) == [200, 429]
    assert await statuses(app, "/", 2, "POST") == [200, 429]


async def test_a_route_in_an_included_router_that_comes_later_is_seen() -> None:
    app, router = FastAPI(), APIRouter()
    router.add_route("/a", hello)
    app.include_router(router, prefix="/api")
    gate = TideGate(app, default="5/minute", clock=Clock())
    gate.limit("1/minute")(other)

    assert await statuses(app, "/api/a", 2) == [200, 200]
    assert await statuses(app, "/api/b", 1) == [404]

    app.add_route("/api/b", other)

    assert await statuses(app, "/api/b", 2) == [200, 429]


class ByHeader(Route):
    """A route of the user's own, which answers whom it likes."""

    def matches(self, scope: Any) -> Any:
        match, child = super().matches(scope)
        return (match, child) if dict(scope["headers"]).get(b"x-in") else (Match.NONE, {})


@pytest.mark.parametrize(
    ("route", "is_by_path"),
    [
        (Route("/{number:int}", hello), True),
        (Mount("/below", routes=[Route("/", hello)]), True),
        (ByHeader("/", hello), False),
        (Mount("/below", routes=[ByHeader("/", hello)]), False),
        (Host("example.org", Starlette(routes=[Route("/", hello)])), False),
    ],
    ids=["route", "mount", "own", "own-below", "host"],
)
def test_only_what_path_and_method_decide_is_kept(route: Any, is_by_path: bool) -> None:
    assert Shape(Starlette(routes=[route])).is_by_path is is_by_path


def test_a_convertor_of_the_users_may_answer_otherwise_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Own(StringConvertor):
        pass

    monkeypatch.setitem(CONVERTOR_TYPES, "own", Own())

    assert not Shape(Starlette(routes=[Route("/{name:own}", hello)])).is_by_path


def test_routes_of_fastapi_are_kept() -> None:
    app, router = FastAPI(), APIRouter()
    router.add_api_route("/a", other)
    app.include_router(router, prefix="/api")

    assert Shape(app).is_by_path


async def test_a_class_of_the_users_is_asked_each_time() -> None:
    app = Starlette(routes=[ByHeader("/", hello), Route("/", other)])
    gate = TideGate(limit="100/minute", clock=Clock())
    limited = gate.limit("1/minute")(hello)
    assert limited is hello
    places = Places(gate, app)

    seen = [places.of(scope("/", headers=fields)).limits for fields in ([(b"x-in", b"1")], [])]

    assert [len(limits) for limits in seen] == [1, 0]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_places, "_MOST", 4)
    gate = TideGate(default="5/minute", clock=Clock())
    places = Places(gate, Starlette(routes=[Route("/{name}", hello)]))

    for number in range(9):
        assert places.of(scope(f"/{number}")).template == "/{name}"
    places.of(scope("/" + "a" * 300))

    assert len(places._kept.places) == 1


def test_a_place_is_found_once() -> None:
    gate = TideGate(default="5/minute", clock=Clock())
    places = Places(gate, Starlette(routes=[Route("/{name}", hello)]))

    assert places.of(scope("/a")) is places.of(scope("/a"))
    assert places.of(scope("/a")) is not places.of(scope("/a", root_path="/below"))


async def test_the_socket_is_asked_for_an_address_that_a_forwarding_field_gave() -> None:
    class Server:
        """As uvicorn, which has put the field's address into the scope."""

        def __init__(self) -> None:
            self.transport = self

        def get_extra_info(self, name: str) -> Any:
            return ("127.0.0.1", 5000) if name == "peername" else None

        async def receive(self) -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(self, message: Any) -> None: ...

    keys: list[str | None] = []

    async def note(request: Request) -> Response:
        keys.append(request.scope["tidegate"].key)
        return await hello(request)

    app, server = Starlette(routes=[Route("/", note)]), Server()
    TideGate(app, default="9/minute", key="ip", clock=Clock())
    forwarded = [(b"x-forwarded-for", b"198.51.100.1")]
    received = scope("/", headers=forwarded, client=("198.51.100.1", 0), query_string=b"")

    await app(received, server.receive, server.send)

    assert keys == ["GET /|127.0.0.1"]
