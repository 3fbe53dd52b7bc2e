"""Limits of requests in flight over real sockets: what begins ends, however it ends."""

import http.client
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.frameworks.servers import serve

MODULE = "tests.frameworks.apps_in_flight"
SERVED = [
    ("gunicorn", "wsgi_app"),
    ("waitress", "wsgi_app"),
    ("uvicorn", "asgi_app"),
    ("hypercorn", "asgi_app"),
    ("gunicorn", "flask_app"),
    ("uvicorn", "fastapi_app"),
    ("gunicorn", "django_app"),
]


@pytest.fixture(params=SERVED, ids="-".join)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    server, app = request.param
    gate = tmp_path / "go"
    with serve(server, app, module=MODULE, TIDEGATE_TEST_GATE=str(gate)) as port:
        yield port, gate


def status(port: int, path: str = "/slow") -> int:
    """The status of one answer, read to its end."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status


def begin(port: int, path: str = "/slow") -> socket.socket:
    """A request that has been sent, and whose answer nobody reads."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Waits for what has to come to pass."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def refuses(port: int) -> Callable[[], bool]:
    """Whether a further request would be one too many: asked by one that raises at once."""
    return lambda: status(port, "/broken") == 429


def test_a_third_is_refused_until_one_of_two_ends(served: tuple[int, Path]) -> None:
    port, gate = served
    answers: list[int] = []
    two = [threading.Thread(target=lambda: answers.append(status(port))) for _ in range(2)]
    for thread in two:
        thread.start()
    until(lambda: told(port)[1] == 2)
    assert refuses(port)()

    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/slow")
        refused = connection.getresponse()
        assert (refused.status, refused.getheader("Retry-After")) == (429, "1")

    gate.touch()
    for thread in two:
        thread.join()
    assert answers == [200, 200]
    until(lambda: status(port) == 200)


def test_what_raises_has_ended(served: tuple[int, Path]) -> None:
    port, _ = served
    assert [status(port, "/broken") for _ in range(5)] == [500] * 5


def test_a_client_that_goes_away_has_ended(served: tuple[int, Path]) -> None:
    port, gate = served
    clients = [begin(port, "/stream") for _ in range(2)]
    for client in clients:
        assert client.recv(16).startswith(b"HTTP/1.1 200")
    assert refuses(port)()

    for client in clients:
        client.close()
    gate.touch()

    until(lambda: status(port) == 200)


@pytest.mark.parametrize(("server", "app"), [("gunicorn", "wsgi_app"), ("uvicorn", "asgi_app")])
def test_what_a_killed_worker_held_is_free_at_once(server: str, app: str, tmp_path: Path) -> None:
    store, gate = f"shared://test-{uuid.uuid4().hex}", tmp_path / "go"
    options = {"TIDEGATE_TEST_GATE": str(gate), "TIDEGATE_TEST_STORE": store}
    with (
        serve(server, app, module=MODULE, **options) as victim,
        serve(server, app, module=MODULE, **options) as other,
    ):
        clients = [begin(victim) for _ in range(2)]
        until(lambda: told(victim)[1] == 2)
        assert refuses(other)()

        os.kill(told(victim)[0], signal.SIGKILL)
        gate.touch()

        # As soon as the last of its threads is gone.
        until(lambda: status(other) == 200, seconds=5)
        for client in clients:
            client.close()


def told(port: int) -> tuple[int, int]:
    """The process that answers, and how many are in `/slow`."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/pid")
        process, inside = connection.getresponse().read().split()
        return int(process), int(inside)
