"""What `protect_app` takes for which kind of application, and what it says to the rest."""

import functools
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tidegate import ConfigError, asgi, protect_app, wsgi


async def asgi_function(scope: Any, receive: Any, send: Any) -> None: ...


def asgi_returning(scope: Any, receive: Any, send: Any) -> Any:
    return asgi_function(scope, receive, send)


def wsgi_function(environ: Any, start_response: Any) -> Any: ...


def wsgi_with_default(environ: Any, start_response: Any, other: Any = None) -> Any: ...


class AsgiObject:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class WsgiObject:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class WsgiClass:
    """Its instances are the responses, as PEP 3333 allows."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...

    def __iter__(self) -> Iterator[bytes]:
        yield b""


class Asgi2:
    def __init__(self, scope: Any) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


async def configured(options: Any, scope: Any, receive: Any, send: Any) -> None: ...


async def anything(*arguments: Any) -> None: ...


class Inherited(AsgiObject):
    pass


@pytest.mark.parametrize(
    "app",
    [
        asgi_function,
        asgi_returning,
        AsgiObject(),
        AsgiObject().__call__,
        Inherited(),
        functools.partial(configured, {}),
        anything,
    ],
)
def test_asgi_applications_are_known(app: Any) -> None:
    assert isinstance(protect_app(app), asgi.TideGateMiddleware)


@pytest.mark.parametrize(
    "app", [wsgi_function, wsgi_with_default, WsgiObject(), WsgiObject().__call__, WsgiClass]
)
def test_wsgi_applications_are_known(app: Any) -> None:
    assert isinstance(protect_app(app), wsgi.TideGateMiddleware)


def test_a_protected_application_may_be_protected_again() -> None:
    assert isinstance(protect_app(protect_app(AsgiObject())), asgi.TideGateMiddleware)
    assert isinstance(protect_app(protect_app(WsgiObject())), wsgi.TideGateMiddleware)


async def two(scope: Any, receive: Any) -> None: ...


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (None, ["None", "NoneType", "pass the application object"]),
        ("main:app", ["'main:app'", "text", "import"]),
        (sys, ["module", "application that is in it"]),
        (42, ["42", "int"]),
        (AsgiObject, ["a class", "instance"]),
        (WsgiObject, ["a class", "instance"]),
        (Asgi2, ["ASGI 2", "guarantee_single_callable"]),
        (lambda scope: None, ["ASGI 2", "guarantee_single_callable"]),
        (two, ["async", "(scope, receive, send)"]),
        (lambda: None, ["(environ, start_response)"]),
        (lambda *arguments: None, ["tidegate.wsgi.TideGateMiddleware"]),
        (iter, ["builtin_function_or_method", "unknown way"]),
    ],
)
def test_what_is_no_application_is_named(app: Any, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        protect_app(app)

    message = str(caught.value)
    assert "`app`" in message
    assert [word for word in words if word not in message] == [], message
