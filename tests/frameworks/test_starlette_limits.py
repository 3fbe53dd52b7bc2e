"""Starlette: what `TideGate` counts, in process, where a real server would show no more."""

import functools
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Form, HTTPException
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.websockets import WebSocket

from tidegate import ConfigError, protect_app, rate_limit
from tidegate.asgi import TideGateMiddleware
from tidegate.fastapi import RateLimit
from tidegate.starlette import TideGate, route_of
from tidegate.starlette._routes import resolve
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


async def connect(app: Any) -> list[Any]:
    """What the application sends on one WebSocket."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    client = ("192.0.2.1", 5000)
    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b"", "client": client}
    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize("by", ["default", "dependency", "whole"])
async def test_a_refused_websocket_is_told_to_try_again_later(by: str) -> None:
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


@pytest.mark.parametrize("by", ["protect_app", "middleware"])
async def test_a_rule_of_a_middleware_may_match_routes(by: str) -> None:
    match = {"route": "/shop/items/{id:int}"}
    options: Any = {"limit": "2/minute", "match": match, "clock": Clock()}
    routes = [Mount("/shop", routes=[Route("/items/{id:int}", hello), Route("/items", hello)])]
    app = Starlette(routes=routes)
    if by == "protect_app":
        protect_app(app, **options)
    else:
        app.add_middleware(TideGateMiddleware, **options)

    assert await statuses(app, "/shop/items/1", 2) == [200, 200]
    assert await statuses(app, "/shop/items/2", 1) == [429]
    assert await statuses(app, "/shop/items", 3) == [200] * 3


class ByHeader(AuthenticationBackend):
    """Believes the header `x-user`."""

    async def authenticate(self, conn: Any) -> Any:
        name = conn.headers.get("x-user")
        return (AuthCredentials(["in"]), SimpleUser(name)) if name else None


@pytest.mark.parametrize("by", ["whole", "default", "own", "decorator", "dependency", "middleware"])
async def test_a_limit_may_count_users(by: str) -> None:
    settings: Any = {"key": "user", "clock": Clock()}
    app = FastAPI()
    gate = TideGate(clock=Clock())
    route: Any = lambda request: PlainTextResponse("ok")  # noqa: E731 - typed below
    route.__annotations__ = {"request": Request}
    if by == "middleware":
        app.add_middleware(TideGateMiddleware, limit="2/minute", **settings)
    app.add_middleware(AuthenticationMiddleware, backend=ByHeader())
    if by in ("whole", "default"):
        name = "limit" if by == "whole" else "default"
        gate = TideGate(**{name: "2/minute"}, **settings)
    if by == "own":
        gate.limit("2/minute", **settings)(route)
    if by == "decorator":
        route = rate_limit("2/minute", **settings)(route)
    dependencies = [Depends(RateLimit("2/minute", **settings))] if by == "dependency" else []
    app.add_api_route("/", route, dependencies=dependencies)
    gate.init_app(app)

    assert await statuses(app, "/", 3, **{"x-user": "ana"}) == [200, 200, 429]
    assert await statuses(app, "/", 2, **{"x-user": "bob"}) == [200, 200]


@pytest.mark.parametrize("by", ["whole", "default", "own", "dependency"])
async def test_only_failures_are_charged_where_a_limit_says_so(by: str) -> None:
    settings: Any = {"charge_on": "401", "clock": Clock()}
    app = FastAPI()
    gate = TideGate(clock=Clock())

    async def login(password: str) -> str:
        if password != "right":
            raise HTTPException(401)
        return "welcome"

    if by in ("whole", "default"):
        name = "limit" if by == "whole" else "default"
        gate = TideGate(**{name: "2/minute"}, **settings)
    if by == "own":
        gate.limit("2/minute", **settings)(login)
    dependencies = [Depends(RateLimit("2/minute", **settings))] if by == "dependency" else []
    app.add_api_route("/", login, dependencies=dependencies)
    gate.init_app(app)

    assert await statuses(app, "/?password=right", 4) == [200] * 4
    assert await statuses(app, "/?password=wrong", 3) == [401, 401, 429]
    assert await statuses(app, "/?password=right", 1) == [429]


async def test_a_dependency_that_has_to_hear_the_end_says_what_it_needs() -> None:
    app = FastAPI()
    limit = RateLimit("2/minute", charge_on="401", clock=Clock())
    app.add_api_route("/", hello, dependencies=[Depends(limit)])
    transport = httpx.ASGITransport(app)

    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(ConfigError, match=r"put TideGate\(app\) around"):
            await client.get("/")


@pytest.mark.parametrize("by", ["whole", "default", "own", "dependency", "decorator"])
async def test_a_limit_may_count_by_a_field_of_a_form(by: str) -> None:
    settings: Any = {"key": "form:user", "clock": Clock()}
    app = FastAPI()
    gate = TideGate(clock=Clock())

    async def login(request: Request, user: Annotated[str, Form()]) -> str:
        return user

    route: Any = login
    if by in ("whole", "default"):
        name = "limit" if by == "whole" else "default"
        gate = TideGate(**{name: "2/minute"}, **settings)
    if by == "own":
        gate.limit("2/minute", **settings)(login)
    if by == "decorator":
        route = rate_limit("2/minute", **settings)(login)
    dependencies = [Depends(RateLimit("2/minute", **settings))] if by == "dependency" else []
    app.add_api_route("/", route, methods=["POST"], dependencies=dependencies)
    gate.init_app(app)

    async with client_of(app) as client:
        answers = [await client.post("/", data={"user": name}) for name in ["ana"] * 3 + ["bob"]]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert answers[3].json() == "bob"


async def test_a_shadow_refuses_nothing() -> None:
    app = Starlette(routes=[Route("/", hello)])
    TideGate(app, "1/minute", default="1/minute", mode="shadow", clock=Clock())

    assert await statuses(app, "/", 3) == [200] * 3


async def test_a_gate_may_be_switched_off() -> None:
    app = Starlette(routes=[Route("/", hello)])
    TideGate(app, "1/minute", default="1/minute", enabled=False, clock=Clock())

    assert await statuses(app, "/", 3) == [200] * 3


async def test_the_lists_of_a_gate_hold_for_all_of_it() -> None:
    for listed, expected in (("allow", [200, 200]), ("deny", [403, 403])):
        app = Starlette(routes=[Route("/", hello)])
        lists: Any = {listed: ["192.0.2.0/24"]}
        TideGate(app, default="1/minute", clock=Clock(), **lists)

        assert await statuses(app, "/", 2) == expected, listed


async def test_a_denied_address_gets_nothing_where_nothing_is_limited() -> None:
    app = Starlette(routes=[Route("/", hello)])
    TideGate(app, deny=["192.0.2.0/24"])

    assert await statuses(app, "/", 1) == [403]
    assert await statuses(app, "/none", 1) == [403]


async def test_a_decorated_handler_reads_the_form_that_its_limit_has_read() -> None:
    @rate_limit("1/minute", key="form:user", clock=Clock())
    async def route(request: Request) -> Response:
        return PlainTextResponse(await request.body())

    app = Starlette(routes=[Route("/", route, methods=["POST"])])
    async with client_of(app) as client:
        answers = [await client.post("/", data={"user": name}) for name in ("ana", "ana", "bob")]

    assert [answer.status_code for answer in answers] == [200, 429, 200]
    assert answers[2].text == "user=bob"


def test_limits_have_names_of_their_own_that_other_machines_give_too() -> None:
    first = RateLimit("1/minute")
    second = RateLimit("1/minute")
    gate = TideGate(limit=1, default=1)
    for _ in range(2):
        gate.limit("1/minute")(hello)
    scope = {"type": "http", "path": "/", "method": "GET"}
    found = resolve(Starlette(routes=[Route("/", hello)]), scope)
    assert found is not None
    assert gate.whole is not None

    limits = [first._limit, second._limit, gate.whole, *gate.limits_of(found)]
    default = TideGate(default=1).limits_of(found)
    names = [limit.guard.gate.rules[0].name for limit in [*limits, *default]]

    assert len(set(names)) == len(names) == 6
    module, line = names[0].split(":")
    assert (names[1], module) == (f"{module}:{int(line) + 1}", __name__[-len(module) :])
    assert names[3:] == [f"{__name__}.hello", f"{__name__}.hello#2", "route"]
