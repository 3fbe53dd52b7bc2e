"""Starlette and FastAPI: which route answers, who the user is, and what is wrong at the start."""

import logging
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.authentication import BaseUser, SimpleUser, UnauthenticatedUser
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router
from starlette.websockets import WebSocket

from tidegate import ConfigError, protect_app, rate_limit
from tidegate.starlette import TideGate, route_of
from tidegate.starlette._facts import note_facts, user_of
from tidegate.testing import Clock


def client_of(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 5000))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def hello(request: Request) -> Response:
    """Tells the template of its own route, found out from where it stands."""
    scope = dict(request.scope)
    return PlainTextResponse(str(route_of(scope["router"], scope)))


async def socket(websocket: WebSocket) -> None: ...


def application() -> Any:
    """Every way of putting one route below another."""
    leaf = APIRouter()
    leaf.add_api_route("/items/{id}", hello)
    leaf.add_api_route("/items", hello, methods=["POST"])
    leaf.add_route("/plain/{name:path}", hello)
    leaf.add_websocket_route("/socket/{room}", socket)
    middle = APIRouter(prefix="/middle")
    middle.include_router(leaf, prefix="/leaf")
    sub = FastAPI()
    sub.include_router(leaf)
    app = FastAPI()
    app.include_router(middle, prefix="/outer")
    app.include_router(leaf)
    app.mount("/sub/{tenant}", sub)
    app.mount("/wrapped", CORSMiddleware(Starlette(routes=[Route("/deep", hello)])))
    app.mount("/folder", PlainTextResponse("a file"))
    app.router.routes.append(Host("api.test", Router([Route("/hosted", hello)])))
    return app


CASES = [
    ("GET", "/items/1", "/items/{id}"),
    ("POST", "/items", "/items"),
    ("GET", "/outer/middle/leaf/items/1", "/outer/middle/leaf/items/{id}"),
    ("GET", "/outer/middle/leaf/plain/a/b", "/outer/middle/leaf/plain/{name:path}"),
    ("GET", "/sub/acme/items/1", "/sub/{tenant}/items/{id}"),
    ("GET", "/sub/acme/none", "/sub/{tenant}/{path:path}"),
    ("GET", "/wrapped/deep", "/wrapped/deep"),
    ("GET", "/folder/a/b.txt", "/folder/{path:path}"),
    ("GET", "/openapi.json", "/openapi.json"),
    ("GET", "/missing", None),
    ("DELETE", "/items", None),
    ("GET", "/items/1/", None),
    ("GET", "/" + "a/" * 10_000, None),
    ("GET", "/\udcff", None),
]


@pytest.mark.parametrize(("method", "path", "template"), CASES)
@pytest.mark.parametrize("root", ["", "/root"])
def test_the_template_is_spelled_as_in_the_application(
    method: str, path: str, template: str | None, root: str
) -> None:
    scope = {
        "type": "http",
        "method": method,
        "path": root + path,
        "root_path": root,
        "headers": [],
    }

    assert route_of(application(), scope) == template
    assert set(scope) == {"type", "method", "path", "root_path", "headers"}


def test_a_host_and_a_websocket_have_templates() -> None:
    hosted = {
        "type": "http",
        "method": "GET",
        "path": "/hosted",
        "headers": [(b"host", b"api.test")],
    }
    opened = {"type": "websocket", "path": "/outer/middle/leaf/socket/1", "headers": []}

    assert route_of(application(), hosted) == "/hosted"
    assert route_of(application(), opened) == "/outer/middle/leaf/socket/{room}"


@pytest.mark.parametrize(
    ("path", "template"),
    [(path, template) for method, path, template in CASES if method == "GET" and template][:5],
)
async def test_a_handler_may_ask_for_its_own_template(path: str, template: str) -> None:
    if path.endswith("none"):
        return
    async with client_of(application()) as client:
        assert (await client.get(path)).text.strip('"') == template


def test_a_convertor_that_refuses_is_no_error_of_ours() -> None:
    app = Starlette(routes=[Route("/items/{id:int}", hello)])
    scope = {"type": "http", "method": "GET", "path": f"/items/{'9' * 5000}"}

    assert route_of(app, scope) is None


class Named(BaseUser):
    """A user of one's own."""

    def __init__(self, identity: str) -> None:
        self._identity = identity

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def identity(self) -> str:
        return self._identity


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (SimpleUser("ana"), "ana"),
        (SimpleUser(""), None),
        (Named("7"), "7"),
        (UnauthenticatedUser(), None),
        (None, None),
        ({"name": "a dict of somebody's"}, None),
    ],
)
def test_the_user_is_who_the_middleware_says(user: Any, expected: str | None) -> None:
    assert user_of({"user": user}) == expected
    assert user_of({}) is None


def test_facts_are_computed_only_when_a_gate_asks() -> None:
    scope: dict[str, Any] = {"type": "http", "user": SimpleUser("ana")}

    note_facts(scope, ())
    assert "tidegate.user" not in scope
    note_facts(scope, {"user"})
    assert scope["tidegate.user"] == "ana"
    assert "tidegate.route" not in scope


@pytest.mark.parametrize("inside", [False, True])
async def test_the_route_is_known_around_the_application_and_inside_it(inside: bool) -> None:
    noted = []

    async def note(scope: Any) -> None:
        note_facts(scope, {"route"})
        noted.append(scope["tidegate.route"])

    async def inner(request: Request) -> Response:
        if inside:
            await note(request.scope)
        return PlainTextResponse("ok")

    class Around:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if not inside:
                await note(scope)
            await self.app(scope, receive, send)

    sub = Starlette(routes=[Route("/{id:int}", inner)])
    app = Starlette(routes=[Mount("/sub", sub)], middleware=[Middleware(Around)])
    async with client_of(app) as client:
        await client.get("/sub/7")

    assert noted == ["/sub/{id:int}"]


@pytest.mark.parametrize("protect", [TideGate, protect_app])
async def test_a_decorator_above_the_route_is_an_error_at_start_up(protect: Any) -> None:
    app = FastAPI()
    protect(app)

    @rate_limit("1/minute")
    @app.get("/")
    def unlimited() -> str:
        return "ok"

    sent = []

    async def receive() -> Any:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(ConfigError, match=r"unlimited. stands above.*below @app\.get"):
        await app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    async with client_of(app) as client:
        assert (await client.get("/")).status_code == 500


async def test_a_function_may_have_a_route_with_and_one_without_its_limit() -> None:
    app = FastAPI()
    TideGate(app)

    def both() -> str:
        return "ok"

    app.get("/free")(both)
    app.get("/limited")(rate_limit("1/minute", clock=Clock())(both))

    async with client_of(app) as client:
        assert (await client.get("/free")).status_code == 200


async def test_a_limit_on_no_route_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = Starlette(routes=[Route("/", hello)])
    gate = TideGate(app)

    @gate.limit("1/minute")
    async def forgotten(request: Request) -> Response:
        return PlainTextResponse("ok")

    with caplog.at_level(logging.WARNING, "tidegate"):
        async with client_of(app) as client:
            await client.get("/")

    assert "'forgotten' has a limit or an exemption, and no route" in caplog.text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TideGate(APIRouter()), "must be a Starlette or FastAPI application"),  # type: ignore[arg-type]
        (lambda: TideGate(default="100/minue"), "minue"),
        (lambda: TideGate(limit=-1), "at least 0"),
        (lambda: TideGate(default="1/minute", key="ip", per_ip=True), "per_ip"),
        (lambda: TideGate(on_breach="sorry"), "on_breach"),  # type: ignore[arg-type]
        (lambda: TideGate().limit("1/minute")(7), "needs a function or class"),
        (lambda: TideGate().limit("1/minute")(APIRouter()), "a router of FastAPI's"),
        (lambda: TideGate().exempt(APIRouter()), "mark its functions"),
        (lambda: TideGate().limit(hello), "write @gate.limit"),  # type: ignore[arg-type]
        (lambda: TideGate().shared_limit("1/minute", ""), "`scope` must not be empty"),
    ],
)
def test_what_is_wrong_is_said_at_once(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_scope_has_one_limit() -> None:
    gate = TideGate()
    gate.shared_limit("1/minute", "mail")
    gate.shared_limit("1/minute", "mail")

    with pytest.raises(ConfigError, match="'mail' is '1/minute' elsewhere"):
        gate.shared_limit("2/minute", "mail")


@pytest.mark.parametrize("first", ["limit", "exempt"])
def test_a_route_is_limited_or_exempt(first: str) -> None:
    gate = TideGate()
    decorators: list[Any] = [gate.limit("1/minute"), gate.exempt]
    if first == "exempt":
        decorators.reverse()
    decorators[0](hello)

    with pytest.raises(ConfigError, match="choose one"):
        decorators[1](hello)


async def test_an_application_that_serves_is_not_limited_late() -> None:
    app = Starlette(routes=[Route("/", hello)])
    async with client_of(app) as client:
        await client.get("/")

    with pytest.raises(ConfigError, match="has served requests already"):
        TideGate(app)
