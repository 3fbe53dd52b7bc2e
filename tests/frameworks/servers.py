"""Real servers in processes of their own, on a port of loopback that the system chooses."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# Two servers have an opinion of their own about forwarding headers. uvicorn believes those of
# loopback, or of everybody if told so, which must not make a limit forgeable; waitress removes
# them unless told not to.
UVICORN = ["-m", "uvicorn", "--factory", "--no-access-log", "--lifespan", "off"]
BELIEVING = ["--forwarded-allow-ips", "*"]
GUNICORN = ["-m", "gunicorn", "--log-level", "error", "--workers", "1", "--threads", "4"]
WAITRESS = ["-m", "waitress", "--no-clear-untrusted-proxy-headers", "--threads", "4", "--call"]


def _command(server: str, app: str, port: int) -> list[str]:
    target = f"tests.frameworks.apps:{app}"
    if server.startswith("uvicorn"):
        believing = BELIEVING if server == "uvicorn-believing" else []
        return [*UVICORN, *believing, "--host", "127.0.0.1", "--port", str(port), target]
    if server == "gunicorn":
        return [*GUNICORN, "--bind", f"127.0.0.1:{port}", f"{target}()"]
    return [*WAITRESS, "--listen", f"127.0.0.1:{port}", target]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(server: str, app: str, **environment: str) -> Iterator[int]:
    """Serves an application of `apps`; gives the port, and ends the server at the end."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, *_command(server, app, port)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    process.kill()
    _, errors = process.communicate()
    raise AssertionError(f"the server was not ready: {errors.decode()[-2000:]}")


class Connection:
    """One HTTP connection that stays open, from an address of loopback."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.client = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=20, source_address=(source, 0)
        )

    def get(self, path: str = "/", **headers: Any) -> http.client.HTTPResponse:
        """Asks, and reads the whole answer."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.client.request("GET", path, headers=fields)
        response = self.client.getresponse()
        response.read()
        return response

    def close(self) -> None:
        """Ends the connection."""
        self.client.close()
