"""One limit for all workers of a web server, counted by a store in a server: real sockets."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.stores.servers import Postgres, Redis, free_port

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "fastapi": ["uvicorn", "--factory", "--no-access-log", "--lifespan", "off", "--log-level"],
    "flask": ["gunicorn", "--preload", "--threads", "4", "--no-control-socket", "--log-level"],
}
# What the application itself asks before it is served.
SPENT = {"fastapi": 0, "flask": 1}
WORKERS = 2
LIMIT, OWN_LIMIT, REQUESTS = 100, 10, 400


@contextmanager
def serving(app: str, store: str, port: int) -> Iterator[None]:
    """Serves an application of `apps` by two workers."""
    target = f"tests.stores.apps:{app}_app"
    if app == "fastapi":
        place = ["--host", "127.0.0.1", "--port", str(port), target]
    else:
        place = ["--bind", f"127.0.0.1:{port}", f"{target}()"]
    process = subprocess.Popen(
        [sys.executable, "-m", *COMMANDS[app], "error", "--workers", str(WORKERS), *place],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TIDEGATE_TEST_STORE": store,
            "TIDEGATE_TEST_LIMIT": f"{LIMIT}/day",
            "TIDEGATE_TEST_OWN_LIMIT": f"{OWN_LIMIT}/day",
        },
    )
    try:
        _wait_until_ready(port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Waits until every worker has answered a preflight, which is not counted."""
    preflight = {"Access-Control-Request-Method": "GET", "Origin": "http://localhost"}
    deadline = time.monotonic() + 40
    answered: set[bytes] = set()
    while process.poll() is None and time.monotonic() < deadline:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                connection.request("OPTIONS", "/", headers=preflight)
                answered.add(connection.getresponse().read())
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        if len(answered) == WORKERS:
            return
    raise AssertionError("the server was not ready")


class Crowd:
    """Several connections that ask at once: how often what was answered, and by whom."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self.workers: set[bytes] = set()
        self._lock = threading.Lock()

    def ask(self, requests: int, path: str = "/", threads: int = 8) -> "Crowd":
        """Sends so many requests."""
        share = requests // threads
        crowd = [threading.Thread(target=self._ask, args=(share, path)) for _ in range(threads)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        return self

    def _ask(self, requests: int, path: str) -> None:
        # A new connection for each, so that all workers get some.
        for _ in range(requests):
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as client:
                client.request("GET", path)
                response = client.getresponse()
                body = response.read()
            with self._lock:
                self.statuses[response.status] += 1
                if response.status == HTTPStatus.OK:
                    self.workers.add(body)


@pytest.mark.parametrize("app", list(COMMANDS))
def test_two_workers_admit_exactly_the_limit(server: Redis | Postgres, app: str) -> None:
    if isinstance(server, Redis):
        store = f"{server.tcp_url}?prefix={app}:&timeout=5s"
    else:
        store = f"{server.fresh(f'served_{app}')}&timeout=5s"
    port = free_port()
    with serving(app, store, port):
        own = Crowd(port).ask(40, "/own")
        crowd = Crowd(port).ask(REQUESTS)

    assert own.statuses[200] == OWN_LIMIT
    expected = LIMIT - SPENT[app] - 40
    assert crowd.statuses == {200: expected, 429: REQUESTS - expected}
    assert len(crowd.workers | own.workers) == WORKERS


@pytest.mark.parametrize("app", list(COMMANDS))
def test_workers_go_on_while_the_store_is_away(own: Redis | Postgres, app: str) -> None:
    port = free_port()
    with serving(app, own.fresh("away") + "&timeout=100ms&local_share=0.5", port):
        before = Crowd(port).ask(8)
        own.stop()
        during = Crowd(port).ask(REQUESTS)

    assert before.statuses == {200: 8}
    # Half of the limit for each worker, and nothing but answers.
    assert set(during.statuses) == {200, 429}
    assert during.statuses[200] <= LIMIT
