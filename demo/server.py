"""Starts the two applications under their servers, waits for them, and stops them.

Both listen on a free port of 127.0.0.1, each as one process that counts: `memory://` counts per
process.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
READY_WITHIN = 30.0
GONE_WITHIN = 5.0
# Longer than any demo: a server that closes an idle connection just as its client writes to it
# would cost a request.
KEEP_ALIVE = "75"

# As it comes, uvicorn replaces the peer's address by what X-Forwarded-For says when the peer is
# on loopback, as all are here: the forger has its best chance.
UVICORN = ("-m", "uvicorn", "--host", HOST, "--no-access-log")
UVICORN_MORE = ("--workers", "1", "--log-level", "warning", "--timeout-keep-alive", KEEP_ALIVE)
GUNICORN = ("-m", "gunicorn", "--worker-class", "gthread", "--workers", "1", "--threads", "4")
GUNICORN_MORE = ("--log-level", "warning", "--keep-alive", KEEP_ALIVE, "--no-control-socket")


class StartError(Exception):
    """An application did not come up; the message ends with what it wrote to stderr."""


@dataclass(frozen=True, slots=True)
class Apps:
    """The running applications: where each listens, by its name, and what they have to say."""

    ports: dict[str, int]
    servers: dict[str, _Server]

    def last_words(self) -> str:
        """Returns the end of what each wrote to stderr, or an empty text."""
        return "\n".join(filter(None, (server.last_words() for server in self.servers.values())))


@contextmanager
def running_apps(broken: str | None = None) -> Iterator[Apps]:
    """Runs both applications until the context is left.

    Args:
        broken: "unprotected" or "gullible" for applications that fail the verdict on purpose.

    Raises:
        StartError: when one of them does not answer in time.
    """
    ports = dict(zip(("fastapi", "flask"), _free_ports(2), strict=True))
    commands = {
        "fastapi": [*UVICORN, *UVICORN_MORE, "--port", str(ports["fastapi"])],
        "flask": [*GUNICORN, *GUNICORN_MORE, "--bind", f"{HOST}:{ports['flask']}"],
    }
    with ExitStack() as stack:
        servers = {
            app: stack.enter_context(_Server(app, [*command, *_target(app, broken)]))
            for app, command in commands.items()
        }
        for app, server in servers.items():
            server.wait_until_ready(ports[app])
        yield Apps(ports, servers)


def _target(app: str, broken: str | None) -> list[str]:
    if broken is None:
        return [f"demo.apps.{app}_app:app"]
    factory = f"demo.apps.broken:{broken}_{app}"
    return ["--factory", factory] if app == "fastapi" else [f"{factory}()"]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


class _Server:
    """One server process. Leaving the context stops it, whatever the reason."""

    def __init__(self, app: str, arguments: list[str]) -> None:
        self._app = app
        self._arguments = arguments
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__

    def __enter__(self) -> _Server:
        # A session of its own, so that Ctrl-C reaches the demo only, which then stops it in order.
        self._process = subprocess.Popen(
            [sys.executable, *self._arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self._stderr,
            stderr=self._stderr,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(GONE_WITHIN)
        except subprocess.TimeoutExpired:
            # It leads its own process group, which holds its workers and nobody else.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._stderr.close()

    def wait_until_ready(self, port: int) -> None:
        """Asks until there is an answer."""
        deadline = time.monotonic() + READY_WITHIN
        while self._process.poll() is None and time.monotonic() < deadline:
            if _answers(port):
                return
            time.sleep(0.05)
        code = self._process.poll()
        state = f"did not answer within {READY_WITHIN:.0f} s" if code is None else f"exited: {code}"
        raise StartError(f"the {self._app} application {state}\n{self.last_words()}")

    def last_words(self) -> str:
        """Returns the last lines of what the process wrote, each with its application's name."""
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="backslashreplace").splitlines()
        return "\n".join(f"  {self._app}: {line}" for line in lines[-20:])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
