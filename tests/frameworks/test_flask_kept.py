"""What our middleware keeps in the environ, for what Flask's own context leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response, request, stream_with_context

from tidegate import RateLimitExceeded, protect_app, rate_limit
from tidegate._current import around, noted
from tidegate._native import Gate, WsgiPassage
from tidegate.flask import TideGate
from tidegate.testing import Clock
from tidegate.wsgi import TideGateMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.test import TestResponse

ADDRESS = {"REMOTE_ADDR": "192.0.2.1"}


def make() -> Flask:
    return Flask("kept")


def is_kept(environ: dict[str, Any]) -> bool:
    gates: Any = environ["tidegate.gates"]
    passed: list[Any] = gates if isinstance(gates, list) else [gates]
    assert all(isinstance(it, (Gate, WsgiPassage)) for it in passed)
    return any(isinstance(it, WsgiPassage) for it in passed)


def make_with_a_limit_further_in(limit: str) -> Flask:
    app = make()

    @app.get("/")
    @rate_limit(limit, key="ip", clock=Clock())
    def page() -> str:
        return "page"

    return app


def get(app: Flask, path: str = "/") -> TestResponse:
    return app.test_client().get(path, environ_overrides=ADDRESS)


def by_protect_app(app: Flask) -> None:
    protect_app(app, "100/minute", per_ip=True, clock=Clock())


def by_the_extension(app: Flask) -> None:
    TideGate(app, default="100/minute", key="ip", clock=Clock())


ways = pytest.mark.parametrize("protect", [by_protect_app, by_the_extension])


@ways
def test_a_request_is_kept_where_flask_leads_to_it(protect: Callable[[Flask], None]) -> None:
    app = make()
    found: list[Any] = []

    @app.get("/")
    def page() -> str:
        found.extend([noted(), around(), request.environ])
        return "page"

    protect(app)
    get(app)
    note, known, environ = found

    # Not noted: that is what keeping it saves.
    assert note is None
    assert known[0] is environ
    assert known[3].decision.limit in (0, 100)
    assert not is_kept(environ)


@ways
def test_the_response_tells_of_the_limit_further_in(protect: Callable[[Flask], None]) -> None:
    app = make_with_a_limit_further_in("3/minute")
    protect(app)

    assert get(app).headers["X-RateLimit-Limit"] == "3"
    assert get(app).headers["X-RateLimit-Remaining"] == "1"


def test_a_limit_further_in_believes_whom_the_gate_believes() -> None:
    app = make_with_a_limit_further_in("1/minute")
    protect_app(app, "100/minute", per_ip=True, trusted_proxies=["192.0.2.1"], clock=Clock())
    client = app.test_client()

    def status(address: str) -> int:
        headers = {"X-Forwarded-For": address}
        return client.get("/", headers=headers, environ_overrides=ADDRESS).status_code

    assert [status("198.51.100.7"), status("198.51.100.8"), status("198.51.100.7")] == [
        200,
        200,
        429,
    ]


def test_what_somebody_put_around_flask_has_a_note() -> None:
    # It runs before Flask has made a context, and may be limited itself.
    app = make()
    app.get("/")(lambda: "page")
    found: list[Any] = []

    @rate_limit("1/minute", key="ip", clock=Clock())
    def limited() -> None:
        found.append(noted())

    class Around:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __call__(self, environ: Any, start_response: Any) -> Any:
            limited()
            return self.inner(environ, start_response)

    app.wsgi_app = Around(app.wsgi_app)  # type: ignore[method-assign]
    protect_app(app, "100/minute", per_ip=True, clock=Clock())

    assert get(app).status_code == 200
    assert found[0][0]["REMOTE_ADDR"] == ADDRESS["REMOTE_ADDR"]
    # A server would answer 429; werkzeug's client raises what it is told of.
    with pytest.raises(RateLimitExceeded, match=r"'192\.0\.2\.1'"):
        get(app)


def test_of_two_applications_the_inner_one_is_meant() -> None:
    outer, inner = make(), make()
    found: list[Any] = []

    def tell(environ: Any, start_response: Any) -> list[bytes]:
        found.append(around())
        start_response("200 OK", [])
        return [b"plain"]

    other: Any = TideGateMiddleware(tell, "5/minute")

    @inner.get("/")
    def page() -> str:
        found.append(around())
        return "page"

    @outer.get("/")
    def both() -> str:
        found.append(request.environ)
        get(inner)
        other(request.environ, lambda *_: None)
        assert is_kept(request.environ)
        found.append(around())
        return "both"

    protect_app(outer, "100/minute", per_ip=True, clock=Clock())
    protect_app(inner, "7/minute", per_ip=True, clock=Clock())
    get(outer)

    environ, *known = found
    assert [it[3].decision.limit for it in known] == [7, 5, 100]
    assert not is_kept(environ)


def test_flask_inside_another_application_is_meant_with_an_environ_of_its_own() -> None:
    inner, found = make(), list[Any]()

    @inner.get("/")
    def page() -> str:
        found.append(around())
        return "page"

    def outer(environ: Any, start_response: Any) -> list[bytes]:
        get(inner)
        found.append(around())
        start_response("200 OK", [])
        return []

    protect_app(inner, "7/minute", per_ip=True, clock=Clock())
    environ = {"REQUEST_METHOD": "GET", **ADDRESS}
    TideGateMiddleware(outer, "9/minute", clock=Clock())(environ, lambda *_: None)  # type: ignore[arg-type]

    assert [known[3].decision.limit for known in found] == [7, 9]


def test_flask_inside_flask_is_meant_with_the_same_environ() -> None:
    outer, inner, found = make(), make(), list[Any]()

    @inner.get("/")
    def page() -> str:
        found.append(around())
        return "page"

    @outer.get("/")
    def both() -> bytes:
        # Not `Response.from_app`, which makes a copy of the environ.
        called: Any = inner
        parts: list[bytes] = list(called(request.environ, lambda *_: None))
        found.append(around())
        return b"".join(parts)

    protect_app(outer, "100/minute", per_ip=True, clock=Clock())
    protect_app(inner, "7/minute", per_ip=True, clock=Clock())

    assert get(outer).status_code == 200
    assert [known[3].decision.limit for known in found] == [7, 100]


@pytest.mark.parametrize("raises", [False, True])
def test_nothing_is_kept_when_the_request_is_over(raises: bool) -> None:
    app = make()
    found: list[Any] = []

    @app.get("/")
    def page() -> Response:
        found.append(request.environ)
        if raises:
            raise OSError

        @stream_with_context
        def parts() -> Iterator[str]:
            yield "part"
            found.append(around())

        return Response(parts())

    protect_app(app, "100/minute", per_ip=True, clock=Clock())
    response = get(app)

    assert response.data
    assert response.status_code == (500 if raises else 200)
    assert not is_kept(found[0])
    assert found[1:] == ([] if raises else [None])
