"""A configuration file that changes under traffic, behind real servers."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.serving import GUNICORN, serving

KINDS = {
    "wsgi": ["--worker-class", "gthread", "--threads", "4", "tests.processes.apps_config:wsgi"],
    "asgi": ["--worker-class", "uvicorn_worker.UvicornWorker", "tests.processes.apps_config:asgi"],
}
# A window of a year, so that none ends during the test.
RULE = """
[[rules]]
name = "work"
match = {{ path = "/work" }}
key = "global"
limit = "fixed_window: {limit}/52w"
"""


class File:
    """A configuration file, changed as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, limit: str) -> None:
        new = self.path.with_suffix(".new.toml")
        new.write_text(RULE.format(limit=limit))
        new.replace(self.path)


@contextmanager
def gunicorn(kind: str, file: Path, workers: int = 1) -> Iterator[int]:
    def command(port: int) -> list[str]:
        options = ["--workers", str(workers), "--bind", f"127.0.0.1:{port}"]
        return [*GUNICORN, *options, *KINDS[kind]]

    environment = {"TIDEGATE_TEST_FILE": str(file)}
    with serving(command, answering=workers, environment=environment) as port:
        yield port


class Client:
    """One connection to one worker."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def get(self, path: str) -> tuple[int, http.client.HTTPMessage, Any]:
        self.connection.request("GET", path)
        return self.read()

    def read(self) -> tuple[int, http.client.HTTPMessage, Any]:
        response = self.connection.getresponse()
        body = response.read()
        return response.status, response.headers, body

    def close(self) -> None:
        self.connection.close()

    def about(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get("/about")[2])
        return found


@contextmanager
def connected(port: int) -> Iterator[Client]:
    client = Client(port)
    try:
        yield client
    finally:
        client.close()


class Traffic(threading.Thread):
    """Requests one after the other, until it is told to end."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.is_over = threading.Event()
        self.statuses: list[int] = []
        self.failures: list[BaseException] = []

    def run(self) -> None:
        client = Client(self.port)
        while not self.is_over.is_set():
            try:
                self.statuses.append(client.get("/work")[0])
            except (OSError, http.client.HTTPException) as failure:
                self.failures.append(failure)
                client.close()
                client = Client(self.port)
            # The point is that many reloads meet requests, not how many requests there are.
            time.sleep(0.001)
        client.close()


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_thousand_reloads_lose_no_request_and_no_count(kind: str, tmp_path: Path) -> None:
    limits = ("3000000", "2000000")
    file = File(tmp_path / "tidegate.toml")
    file.write(limits[0])
    with gunicorn(kind, file.path) as port, connected(port) as client:
        client.get("/work")
        worker = client.about()["pid"]
        crowd = [Traffic(port) for _ in range(3)]
        for traffic in crowd:
            traffic.start()
        try:
            sizes = [_reload(client, file, worker, limits[number % 2]) for number in range(1, 1001)]
        finally:
            for traffic in crowd:
                traffic.is_over.set()
            for traffic in crowd:
                traffic.join()
        _, headers, _ = client.get("/work")

    statuses = [status for traffic in crowd for status in traffic.statuses]
    assert [failure for traffic in crowd for failure in traffic.failures] == []
    assert set(statuses) == {200}
    used = int(headers["X-RateLimit-Limit"]) - int(headers["X-RateLimit-Remaining"])
    assert used == len(statuses) + 2
    # Flat once everything has been used a few times.
    assert sizes[-1] - sizes[200] < 4 * 1024, sizes[::100]


def _reload(client: Client, file: File, worker: int, limit: str) -> int:
    """Changes the file, has the worker look, and waits for it; returns its memory in KiB."""
    before = client.about()["version"]
    file.write(limit)
    os.kill(worker, signal.SIGHUP)
    end = time.monotonic() + 20
    while True:
        about = client.about()
        if about["version"] > before:
            size: int = about["kib"]
            return size
        assert time.monotonic() < end, about


@pytest.mark.parametrize("kind", list(KINDS))
def test_all_workers_follow(kind: str, tmp_path: Path) -> None:
    # Far more than the requests until each worker has been met: on some machines one takes most.
    limits = ("2000000", "3000000")
    file = File(tmp_path / "tidegate.toml")
    file.write(limits[0])
    with gunicorn(kind, file.path, workers=4) as port:
        assert _limits_of_workers(port, 4) == {limits[0]}
        file.write(limits[1])
        _wait(lambda: _limits_of_workers(port, 4) == {limits[1]})
        file.write("2oo")
        _wait(lambda: _has_error(port))
        assert _limits_of_workers(port, 4) == {limits[1]}


def _has_error(port: int) -> bool:
    with connected(port) as client:
        return bool(client.about()["error"])


def _wait(is_so: Any) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end, "they do not follow"
        time.sleep(0.05)


def _limits_of_workers(port: int, workers: int) -> set[str]:
    """The limits that the workers tell, once each of them has answered."""
    found: dict[int, str] = {}
    end = time.monotonic() + 60
    while len(found) < workers:
        # At once, so that no worker that is idle again takes them all.
        with ExitStack() as stack:
            crowd = [stack.enter_context(connected(port)) for _ in range(2 * workers)]
            for client in crowd:
                client.connection.request("GET", "/work")
            for client in crowd:
                status, headers, body = client.read()
                assert status == HTTPStatus.OK, (status, body)
                found[json.loads(body)["pid"]] = headers["X-RateLimit-Limit"]
        assert time.monotonic() < end, found
    return set(found.values())
