"""FastAPI: the 429 in the OpenAPI document, and nothing else in it that changes."""

import inspect
from typing import Annotated, Any, get_type_hints

import pytest
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from tidegate import ConfigError, rate_limit
from tidegate.fastapi import RateLimit, TideGate, document, responses
from tidegate.testing import Clock


class Item(BaseModel):
    name: str


def show(number: int, q: str = "none") -> Item:
    """Shows an item."""
    return Item(name=f"{number} {q}")


async def make(item: Item) -> Item:
    """Makes an item."""
    return item


def schema_of(app: FastAPI) -> dict[str, Any]:
    schema: dict[str, Any] = app.openapi()
    return schema


def build(show: Any = show, make: Any = make, **routers: Any) -> FastAPI:
    """One application, with or without limits on the two functions."""
    app, inner, outer = FastAPI(), APIRouter(), APIRouter(**routers)
    inner.get("/items/{number}")(show)
    inner.post("/items")(make)
    outer.include_router(inner, prefix="/inner")
    app.include_router(outer, prefix="/outer")
    app.get("/items/{number}")(show)
    return app


def statuses(app: FastAPI) -> dict[str, list[str]]:
    """The documented statuses of each operation."""
    return {
        f"{method.upper()} {path}": sorted(operation["responses"])
        for path, operations in schema_of(app)["paths"].items()
        for method, operation in operations.items()
    }


def test_the_decorator_changes_neither_document_nor_signature() -> None:
    limit = rate_limit("5/minute", key="ip")
    limited = limit(show), limit(make)

    assert schema_of(build(*limited)) == schema_of(build())
    assert inspect.signature(limited[0]) == inspect.signature(show)
    assert get_type_hints(limited[1]) == get_type_hints(make)
    assert limited[0].__doc__ == show.__doc__
    assert [inspect.iscoroutinefunction(function) for function in limited] == [False, True]


def test_the_limits_of_a_gate_return_the_function_itself() -> None:
    gate = TideGate()

    for decorate in (gate.limit("1/minute"), gate.shared_limit("1/minute", "all")):
        assert decorate(show) is show
    assert gate.exempt(make) is make


def test_a_dependency_adds_no_parameter() -> None:
    plain, limited = build(), build(dependencies=[Depends(RateLimit("5/minute", key="ip"))])

    assert schema_of(limited) == schema_of(plain)


def test_document_adds_the_refusal_where_a_limit_is() -> None:
    app = build(dependencies=[Depends(RateLimit("5/minute"))])
    app.get("/free")(lambda: "free")
    app.get("/decorated")(rate_limit("1/minute")(lambda: "limited"))

    assert document(app) is app

    assert statuses(app) == {
        "GET /outer/inner/items/{number}": ["200", "422", "429"],
        "POST /outer/inner/items": ["200", "422", "429"],
        "GET /items/{number}": ["200", "422"],
        "GET /free": ["200"],
        "GET /decorated": ["200", "429"],
    }
    # Whatever else is in the document stays.
    schema, plain = schema_of(app), schema_of(build())
    assert schema["components"] == plain["components"]
    operation = schema["paths"]["/outer/inner/items"]["post"]
    assert operation["responses"].pop("429") == responses[429]
    assert operation == plain["paths"]["/outer/inner/items"]["post"]


def test_a_gate_documents_its_own_limits() -> None:
    app = build()
    gate = TideGate(app, clock=Clock())
    gate.limit("1/minute")(make)

    assert statuses(app)["POST /outer/inner/items"] == ["200", "422", "429"]
    assert statuses(app)["GET /items/{number}"] == ["200", "422"]


@pytest.mark.parametrize("settings", [{"default": "1/minute"}, {"limit": "1/minute"}])
def test_a_gate_documents_its_default_but_for_what_is_exempt(settings: Any) -> None:
    app = build()
    TideGate(app, **settings).exempt(show)

    assert statuses(app) == {
        "GET /outer/inner/items/{number}": ["200", "422"],
        "POST /outer/inner/items": ["200", "422", "429"],
        "GET /items/{number}": ["200", "422"],
    }


@pytest.mark.parametrize(("settings", "kinds"), [({"default": 5}, 1), ({"limit": 5}, 2)])
def test_the_forms_of_a_refusal_are_documented(settings: Any, kinds: int) -> None:
    app = build()
    TideGate(app, **settings)

    refusal = schema_of(app)["paths"]["/items/{number}"]["get"]["responses"]["429"]

    assert list(refusal["content"]) == ["application/json", "application/problem+json"][:kinds]


def test_what_the_application_says_of_a_429_is_kept() -> None:
    app = FastAPI()
    app.get("/", responses={429: {"description": "mine"}})(rate_limit("1/minute")(lambda: "ok"))

    description = schema_of(document(app))["paths"]["/"]["get"]["responses"]["429"]["description"]

    assert description == "mine"


def test_the_refusal_may_be_documented_by_hand() -> None:
    app = FastAPI(responses=responses)
    app.get("/")(lambda: "ok")

    assert statuses(app) == {"GET /": ["200", "429"]}


def signed_in(token: str = "") -> str:
    return token


def key(user: Annotated[str, Depends(signed_in)]) -> str:
    return user


def test_a_key_that_is_a_dependency_is_documented_as_one() -> None:
    app = FastAPI()
    app.get("/", dependencies=[Depends(RateLimit("1/minute", key=key))])(lambda: "ok")

    parameters = schema_of(app)["paths"]["/"]["get"]["parameters"]

    assert [parameter["name"] for parameter in parameters] == ["token"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "a limit is missing"),
        ({"times": 5}, "`times` is given without a time"),
        ({"seconds": 5}, "`seconds` is given without `times`"),
        ({"limit": "1/minute", "hours": 5}, "`hours` is given without `times`"),
        ({"limit": "1/minute", "times": 5}, "both given"),
        ({"times": -1, "seconds": 1}, "at least 0"),
        ({"times": 1, "seconds": -1}, "`seconds` must be at least 0"),
        ({"times": 1, "seconds": "5"}, "`seconds` must be a whole number"),
        ({"limit": "1/fortnight"}, "fortnight"),
        ({"limit": "1/minute", "key": "nobody"}, "nobody"),
        ({"limit": "1/minute", "on_breach": 5}, "`on_breach` must be a callable"),
    ],
)
def test_what_is_wrong_is_said_at_once(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RateLimit(**settings)
