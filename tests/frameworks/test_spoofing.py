"""Whose address counts, whatever a request says: one table, in process and over sockets."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.frameworks import apps_addresses
from tests.frameworks.apps_addresses import CASES
from tests.frameworks.servers import serve
from tidegate import ConfigError
from tidegate.asgi import TideGateMiddleware

PAIRS = [
    ("uvicorn", "asgi_app"),
    ("uvicorn-believing", "asgi_app"),
    ("hypercorn", "asgi_app"),
    ("daphne", "asgi_app"),
    ("gunicorn", "wsgi_app"),
    ("waitress", "wsgi_app"),
]
ON_SOCKETS = [case for case in CASES if "only" not in case]


def expected(case: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": case["address"],
        "key": case.get("key", case["address"]),
        "source": case["source"],
    }


# Nobody but the server can ask these for the other end of the socket.
WITHOUT_SOCKET = {"hypercorn", "daphne"}
UNKNOWN = {"address": "unknown", "key": "unknown", "source": "peer"}


def name(case: dict[str, Any]) -> str:
    named: str = case["name"]
    return named


def header_lines(case: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values as a server hands them on."""
    pairs = (line.partition(":") for line in case.get("lines", []))
    return [(field, value.strip(" \t")) for field, _, value in pairs]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    kind, app = request.param
    with serve(kind, app, module=apps_addresses.__name__) as port:
        yield kind, port


def ask(port: int, case: dict[str, Any]) -> Any:
    """Sends the bytes of a request; the application's answer, `None` when the server refused."""
    peer = case.get("peer", "127.0.0.1")
    start = f"GET {apps_addresses.path(case)} HTTP/1.1"
    lines = [start, "Host: localhost", *case.get("lines", []), "Connection: close", "", ""]
    address = ("127.0.0.1", port)
    with closing(socket.create_connection(address, 20, source_address=(peer, 0))) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        received = b""
        while data := connection.recv(65536):
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 400 "):
        return None
    assert head.startswith(b"HTTP/1.1 200 "), received
    return json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])


@pytest.mark.parametrize("case", ON_SOCKETS, ids=name)
def test_over_a_socket(server: tuple[str, int], case: dict[str, Any]) -> None:
    kind, port = server
    if kind in case.get("refused_by", ()):
        assert ask(port, case) is None
        return
    is_hidden = kind in WITHOUT_SOCKET and case.get("needs_socket", False)

    assert ask(port, case) == (UNKNOWN if is_hidden else expected(case))


@pytest.mark.parametrize("case", CASES, ids=name)
def test_in_process_under_wsgi(case: dict[str, Any]) -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": apps_addresses.path(case),
        "REMOTE_ADDR": case.get("peer", "127.0.0.1"),
    }
    for field, value in header_lines(case):
        if "_" in field:  # servers drop these, because nobody could tell them from the others
            continue
        variable = "HTTP_" + field.upper().replace("-", "_")
        environ[variable] = f"{environ[variable]},{value}" if variable in environ else value

    (body,) = apps_addresses.wsgi_app()(environ, lambda *_: None)

    assert json.loads(body) == expected(case)


@pytest.mark.parametrize("case", CASES, ids=name)
async def test_in_process_under_asgi(case: dict[str, Any]) -> None:
    messages: list[Any] = []
    peer = case.get("peer", "127.0.0.1")
    scope = {
        "type": "http",
        "method": "GET",
        "path": apps_addresses.path(case),
        "client": (peer, 50000) if peer else None,
        "headers": [
            (field.lower().encode(), value.encode("latin-1")) for field, value in header_lines(case)
        ],
    }

    async def send(message: Any) -> None:
        messages.append(message)

    await apps_addresses.asgi_app()(scope, Uvicorns(peer).receive, send)

    assert json.loads(messages[-1]["body"]) == expected(case)


class Uvicorns:
    """Who has the socket, as uvicorn's `receive` does."""

    def __init__(self, peer: str) -> None:
        self.transport = self
        self.peer = peer

    def get_extra_info(self, name: str) -> Any:
        return (self.peer, 50000) if name == "peername" else None

    async def receive(self) -> Any:
        await asyncio.Event().wait()


def test_the_table_is_large_and_names_each_case_once() -> None:
    names = [case["name"] for case in CASES]

    assert len(ON_SOCKETS) >= 60
    assert len(set(names)) == len(names)
    assert {case["source"] for case in CASES} == {"peer", "forwarded", "interrupted"}


@pytest.mark.parametrize("trusted", [["*"], ["0.0.0.0/0"], ["::/0"], ["10.0.0.1/8"], ["lan"]])
def test_a_trust_that_lets_clients_choose_is_refused(trusted: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"trusted_proxies|proxies|network|prefix"):
        TideGateMiddleware(apps_addresses.asgi_app(), trusted_proxies=trusted)
