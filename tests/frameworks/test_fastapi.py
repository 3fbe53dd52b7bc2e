"""FastAPI: routes, routers, dependencies and documentation keep working behind a limit."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel

from tidegate import ConfigError, protect_app, rate_limit
from tidegate.testing import Clock, aassert_limited

FIELDS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


class Item(BaseModel):
    name: str


def client_of(app: Any, address: str = "192.0.2.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 5000))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def test_the_fields_stand_on_every_kind_of_response() -> None:
    app = FastAPI()

    @app.get("/")
    def root() -> dict[str, str]:
        return {"hello": "world"}

    @app.get("/broken")
    async def broken() -> None:
        raise KeyError("mine")

    @app.post("/items")
    async def make(item: Item) -> Item:
        return item

    assert protect_app(app, "5/minute", clock=Clock()) is app
    async with client_of(app) as client:
        answers = [await client.get(path) for path in ("/", "/missing", "/broken")]
        answers += [await client.post("/items", json={}), await client.get("/")]
        answers.append(await client.get("/"))

    assert [answer.status_code for answer in answers] == [200, 404, 500, 422, 200, 429]
    for answer in answers:
        assert [field for field in FIELDS if field not in answer.headers] == []


async def test_routes_of_nested_routers_and_mounts_are_limited() -> None:
    inner, outer, mounted = APIRouter(), APIRouter(), FastAPI()
    for router in (inner, mounted):
        router.add_api_route("/work", lambda: "done")
    outer.include_router(inner, prefix="/inner")
    app = FastAPI()
    app.include_router(outer, prefix="/outer")
    app.mount("/mounted", mounted)
    protect_app(app, "4/minute", clock=Clock())

    async with client_of(app) as client:
        statuses = [
            (await client.get(path)).status_code
            for path in ("/outer/inner/work", "/mounted/work") * 3
        ]

    assert statuses == [200, 200, 200, 200, 429, 429]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_limited_route_keeps_its_parameters_and_its_model(kind: str) -> None:
    app = FastAPI()

    @rate_limit("2/minute", key="ip", clock=Clock())
    def sync_route(number: int, item: Item, request: Request, q: str = "none") -> Item:
        return Item(name=f"{number} {item.name} {q}")

    @rate_limit("2/minute", key="ip", clock=Clock())
    async def async_route(number: int, item: Item, request: Request, q: str = "none") -> Item:
        return Item(name=f"{number} {item.name} {q}")

    app.post("/items/{number}")(sync_route if kind == "sync" else async_route)

    async with client_of(app) as client, client_of(app, "192.0.2.2") as other:
        answer = await client.post("/items/5?q=x", json={"name": "a"})
        await aassert_limited(lambda: client.post("/items/5", json={"name": "a"}), limit=1)
        elsewhere = await other.post("/items/5", json={"name": "a"})

    assert answer.json() == {"name": "5 a x"}
    assert elsewhere.status_code == 200
    operation = app.openapi()["paths"]["/items/{number}"]["post"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["number", "q"]


async def test_a_refused_route_answers_as_fastapi_does() -> None:
    app = FastAPI()
    app.get("/")(rate_limit("1/minute", clock=Clock())(lambda: "done"))

    async with client_of(app) as client:
        refused: Any = await aassert_limited(lambda: client.get("/"), limit=1)

    assert refused.json() == {"detail": "Too Many Requests"}
    assert refused.headers["retry-after"] == "60"
    assert [field for field in FIELDS if field not in refused.headers] == []


async def test_a_route_needs_no_request_behind_protect_app() -> None:
    app = FastAPI()
    app.get("/")(rate_limit("1/minute", key="ip", clock=Clock())(lambda: "done"))
    protect_app(app)

    async with client_of(app) as client, client_of(app, "192.0.2.2") as other:
        await aassert_limited(lambda: client.get("/"), limit=1)
        await aassert_limited(lambda: other.get("/"), limit=1)


@pytest.mark.parametrize("kind", ["plain", "generator", "async generator"])
async def test_a_dependency_may_be_limited_and_is_cleaned_up(kind: str) -> None:
    events: list[str] = []
    limit = rate_limit("2/minute", clock=Clock())

    @limit
    def plain() -> str:
        events.append("closed")
        return "made"

    @limit
    def generator() -> Any:
        yield "made"
        events.append("closed")

    @limit
    async def async_generator() -> AsyncIterator[str]:
        try:
            yield "made"
        finally:
            events.append("closed")

    chosen: Any = {"plain": plain, "generator": generator, "async generator": async_generator}[kind]
    app = FastAPI()

    @app.get("/")
    async def route(made: Annotated[str, Depends(chosen)]) -> str:
        return made

    async with client_of(app) as client:
        answer = await client.get("/")
        await aassert_limited(lambda: client.get("/"), limit=1)

    assert answer.json() == "made"
    assert events == ["closed", "closed"]


def test_a_router_is_told_to_protect_the_application() -> None:
    with pytest.raises(ConfigError, match=r"FastAPI router.*protect the application"):
        protect_app(APIRouter())


@pytest.mark.parametrize("value", [b"\xff\xfe", b"x" * 200_000, b"", b"\x80" * 2000])
async def test_hostile_headers_are_no_error(value: bytes) -> None:
    def by_key(request: Request) -> str:
        return request.headers.get("x-api-key") or "nobody"

    app = FastAPI()
    app.get("/")(rate_limit("1/minute", key=by_key, clock=Clock())(lambda: "done"))
    protect_app(app, "2/minute", key="header:x-api-key", clock=Clock())

    async with client_of(app) as client:
        headers = [(b"x-api-key", value), (b"accept", value), (b"x-forwarded-for", value)]
        answers = [(await client.get("/", headers=headers)).status_code for _ in range(3)]

    assert answers == [200, 429, 429]
