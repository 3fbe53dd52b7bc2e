"""Whose address counts, seen through both middlewares; how it is found is tested in Rust."""

import logging
from typing import Any

import pytest

from tests.unit.test_asgi import call, hello
from tests.unit.test_wsgi import Answer
from tests.unit.test_wsgi import hello as wsgi_hello
from tidegate import asgi, rate_limit, wsgi
from tidegate.testing import Clock


async def statuses(forwarded: list[str], **options: Any) -> list[int]:
    """The statuses of one request for each value of the forwarding header, from one peer."""
    app = asgi.TideGateMiddleware(hello, "2/minute", per_ip=True, clock=Clock(), **options)
    return [
        (await call(app, headers=[(b"x-forwarded-for", value.encode())]))[0]["status"]
        for value in forwarded
    ]


def wsgi_statuses(forwarded: list[str], **options: Any) -> list[int]:
    app = wsgi.TideGateMiddleware(wsgi_hello, "2/minute", per_ip=True, clock=Clock(), **options)
    return [Answer(app, HTTP_X_FORWARDED_FOR=value).code for value in forwarded]


FORGED = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]


async def test_a_forged_header_gives_no_quota() -> None:
    assert await statuses(FORGED) == wsgi_statuses(FORGED) == [200, 200, 429]


async def test_behind_a_trusted_proxy_each_client_has_its_own() -> None:
    trusted = {"trusted_proxies": ["192.0.2.0/24"]}

    assert await statuses(FORGED, **trusted) == wsgi_statuses(FORGED, **trusted) == [200] * 3
    same = ["198.51.100.1"] * 3
    assert await statuses(same, **trusted) == wsgi_statuses(same, **trusted) == [200, 200, 429]


async def test_behind_a_trusted_proxy_what_the_client_forged_is_ignored() -> None:
    forged = [f"203.0.113.{number}, 198.51.100.1" for number in range(3)]

    assert await statuses(forged, trusted_proxies=1) == [200, 200, 429]


async def test_a_limited_function_believes_whom_the_application_believes() -> None:
    @rate_limit("1/minute", key="ip", clock=Clock())
    async def work() -> None: ...

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await work()
        await hello(scope, receive, send)

    outer = asgi.TideGateMiddleware(app, trusted_proxies=["192.0.2.1"])
    answers = [
        (await call(outer, headers=[(b"x-forwarded-for", value.encode())]))[0]["status"]
        for value in (*FORGED, FORGED[0])
    ]

    assert answers == [200, 200, 200, 429]


def test_a_limited_function_below_wsgi_believes_whom_the_application_believes() -> None:
    @rate_limit("1/minute", key="ip", clock=Clock())
    def work() -> None: ...

    def app(environ: Any, start_response: Any) -> Any:
        work()
        return wsgi_hello(environ, start_response)

    outer = wsgi.TideGateMiddleware(app, trusted_proxies=["192.0.2.1"])
    codes = [Answer(outer, HTTP_X_FORWARDED_FOR=value).code for value in (*FORGED, FORGED[0])]

    assert codes == [200, 200, 200, 429]


class Connection:
    """What uvicorn's `receive` belongs to: the object that knows the socket."""

    def __init__(self, peer: str) -> None:
        self.transport = self
        self.peer = peer

    def get_extra_info(self, name: str) -> Any:
        return (self.peer, 5000) if name == "peername" else None

    async def receive(self) -> Any: ...


async def test_an_address_that_the_server_took_from_the_header_is_not_the_peers() -> None:
    app = asgi.TideGateMiddleware(hello, "2/minute", per_ip=True, clock=Clock())
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for forged in FORGED:
        scope: Any = {
            "type": "http",
            "client": (forged, 0),
            "headers": [(b"x-forwarded-for", forged.encode())],
        }
        await app(scope, Connection("192.0.2.1").receive, send)

    assert statuses == [200, 200, 429]


async def test_an_ignored_header_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "tidegate"):
        await statuses(FORGED)
        first = len(caplog.records)
        wsgi_statuses(FORGED)

    assert first == 1
    message = caplog.records[0].getMessage()
    assert caplog.records[0].name == "tidegate"
    assert "192.0.2.1" in message
    assert "trusted_proxies=['192.0.2.1']" in message
    assert len(caplog.records) == 2


async def test_nothing_is_said_about_a_trusted_proxy(caplog: pytest.LogCaptureFixture) -> None:
    await statuses(FORGED, trusted_proxies=["192.0.2.1"])

    assert caplog.records == []
