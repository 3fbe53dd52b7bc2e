"""Web servers in processes of their own, on a free port of loopback, and crowds that ask them."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
# The control socket, which newer ones open, would be shared by all that run at once.
GUNICORN = ["-m", "gunicorn", "--log-level", "error", "--no-control-socket"]
UVICORN = ["-m", "uvicorn", "--factory", "--no-access-log", "--lifespan", "off"]
_READY = 40.0


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    command: Callable[[int], list[str]],
    *,
    answering: int = 0,
    log: Path | None = None,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Runs a server written in Python, until the end; gives the port.

    Args:
        command: what follows the interpreter, from the port to listen on.
        answering: how many workers must have answered a preflight, each with a body of its own,
            before the server counts as ready; with 0, the port need only be open.
        log: where what the server says goes; shown when it was not ready.
        python: the interpreter.
        environment: what it finds in its environment besides.
    """
    port = free_port()
    with tempfile.TemporaryFile() if log is None else log.open("w+b") as errors:
        process = subprocess.Popen(
            [python, *command(port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": _path(), **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            _wait_until_ready(port, process, answering, errors)
            yield port
        finally:
            _end(process)


def _path() -> str:
    """Where the applications that are served are found, and what is found already."""
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(
    port: int, process: "subprocess.Popen[bytes]", answering: int, errors: IO[bytes]
) -> None:
    deadline = time.monotonic() + _READY
    answered: set[bytes] = set()
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if answering == 0:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            answered.add(_preflight(port))
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
        if 0 < answering <= len(answered):
            return
    _end(process)
    errors.seek(0)
    said = errors.read().decode(errors="replace")[-2000:]
    raise AssertionError(f"the server was not ready, {len(answered)} workers answered: {said}")


def _preflight(port: int) -> bytes:
    """The body of a preflight, which is not counted."""
    headers = {"Access-Control-Request-Method": "GET", "Origin": "http://localhost"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("OPTIONS", "/", headers=headers)
        return connection.getresponse().read()


class Crowd:
    """Many connections that ask at once: how often what was answered, and by which workers.

    Args:
        port: where the server is.
        in_a_row: requests over one connection; few, so that all workers get some.
    """

    def __init__(self, port: int, *, in_a_row: int = 1) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        # The bodies of what was admitted: applications answer with their process id.
        self.workers: set[bytes] = set()
        # Requests without an answer: the worker was killed over them.
        self.broken = 0
        self._in_a_row = in_a_row
        self._lock = threading.Lock()

    def ask(self, requests: int, path: str = "/", *, threads: int = 8) -> "Crowd":
        """Sends so many requests, in as many threads."""
        share = requests // threads
        crowd = [threading.Thread(target=self._ask, args=(share, path)) for _ in range(threads)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        return self

    def _ask(self, requests: int, path: str) -> None:
        for begun in range(0, requests, self._in_a_row):
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as client:
                for _ in range(min(self._in_a_row, requests - begun)):
                    self._ask_once(client, path)

    def _ask_once(self, client: http.client.HTTPConnection, path: str) -> None:
        try:
            client.request("GET", path)
            response = client.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            client.close()
            with self._lock:
                self.broken += 1
            return
        with self._lock:
            self.statuses[response.status] += 1
            if response.status == HTTPStatus.OK:
                self.workers.add(body)
