"""What a hostile client can send to a limited Flask application: never a 500, never a free pass.

Bytes go over a plain socket, because no HTTP client would send them; gunicorn is told to let them
through to the application.
"""

import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.servers import serve
from tests.frameworks.versions import python_with

_addresses = (f"127.2.{a}.{b}" for a, b in itertools.product(range(1, 200), range(1, 250)))


@pytest.fixture(scope="module", params=["oldest", "newest"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    python = python_with("flask", oldest=request.param == "oldest")
    environment: dict[str, Any] = {
        "GUNICORN_CMD_ARGS": "--limit-request-line 0 --limit-request-field_size 100000",
    }
    log: Path = tmp_path_factory.mktemp("bad-input") / "log"
    module = "tests.frameworks.apps_flask"
    with serve("gunicorn", "hostile", python=python, module=module, log=log, **environment) as it:
        yield it
    assert "Traceback" not in log.read_text()


def send(port: int, request: bytes, source: str) -> bytes:
    """The status line that answers a request, which ends the connection."""
    with socket.create_connection(("127.0.0.1", port), 20, (source, 0)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            return answer.readline()


def statuses(port: int, target: bytes, fields: bytes = b"", count: int = 3) -> list[bytes]:
    request = b"GET " + target + b" HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" + fields
    source = next(_addresses)
    return [send(port, request + b"\r\n", source).split()[1] for _ in range(count)]


@pytest.mark.parametrize(
    "target",
    [
        b"/%ff%fe",
        b"/%ed%a0%80",
        b"/%00",
        b"/a" * 10_000,
        b"/" * 10_000,
        b"/" + b"x" * 65_536,
        b"/x?" + b"a=%ff&" * 5_000,
        b"/%2e%2e/%2e%2e/etc/passwd",
    ],
    ids=lambda target: target[:12].decode("latin-1"),
)
def test_every_path_is_counted(port: int, target: bytes) -> None:
    # The newest Flask redirects where slashes run on; what is redirected is counted as well.
    first, second, third = statuses(port, target)

    assert first == second
    assert first in (b"200", b"308", b"404")
    assert third == b"429"


@pytest.mark.parametrize(
    "value",
    [b"x" * 65_536, b"\xff\xfe\x80", b"\t a \t", "é€😀".encode(), b'"\\'],
    ids=["long", "no utf-8", "spaces", "utf-8", "quotes"],
)
def test_every_header_field_is_counted(port: int, value: bytes) -> None:
    fields = b"X-Api-Key: " + value + b"\r\n"

    assert statuses(port, b"/header", fields) == [b"200", b"200", b"429"]


def test_sixty_four_kilobytes_of_fields_are_no_error(port: int) -> None:
    fields = b"".join(b"X-F-%d: %s\r\n" % (number, b"v" * 800) for number in range(80))

    assert statuses(port, b"/fields", fields) == [b"200", b"200", b"429"]


def test_a_body_that_ends_early_is_counted_and_no_error_of_the_server(port: int) -> None:
    head = b"POST /body HTTP/1.1\r\nHost: test\r\n"
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    cut = [
        head + form + b"Content-Length: 1000\r\n\r\nfree=1",
        head + form + b"Transfer-Encoding: chunked\r\n\r\n5\r\nfre",
        head + form + b"Content-Length: 1000\r\n\r\n",
    ]
    source = next(_addresses)
    answers = [send(port, request, source).split()[1] for request in cut]

    assert answers == [b"200", b"200", b"429"]
