"""Real servers in processes of their own, on a port of loopback that the system chooses."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]

# Two servers have an opinion of their own about forwarding headers. uvicorn believes those of
# loopback, or of everybody if told so, which must not make a limit forgeable; waitress removes
# them unless told not to.
UVICORN = ["-m", "uvicorn", "--factory", "--no-access-log", "--lifespan", "off"]
BELIEVING = ["--forwarded-allow-ips", "*"]
GUNICORN = ["-m", "gunicorn", "--log-level", "error", "--threads", "4"]
HYPERCORN = ["-m", "hypercorn", "--log-level", "error"]
WAITRESS = ["-m", "waitress", "--no-clear-untrusted-proxy-headers", "--threads", "4", "--call"]


def _command(server: str, target: str, port: int, workers: int) -> list[str]:
    several = ["--workers", str(workers)]
    if server.startswith("uvicorn"):
        options = [*several, *(BELIEVING if server == "uvicorn-believing" else [])]
        return [*UVICORN, *options, "--host", "127.0.0.1", "--port", str(port), target]
    if server == "gunicorn":
        return [*GUNICORN, *several, "--bind", f"127.0.0.1:{port}", f"{target}()"]
    if server == "hypercorn":
        return [*HYPERCORN, *several, "--bind", f"127.0.0.1:{port}", f"{target}()"]
    return [*WAITRESS, "--listen", f"127.0.0.1:{port}", target]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serve(
    server: str,
    app: str,
    *,
    workers: int = 1,
    log: Path | None = None,
    python: str = sys.executable,
    module: str = "tests.frameworks.apps",
    **environment: str,
) -> Iterator[int]:
    """Serves an application of `module`; gives the port, and ends the server at the end.

    What the server and the application say goes to the file `log`. `python` is the interpreter:
    see `versions` for those with other frameworks.
    """
    port = _free_port()
    with tempfile.TemporaryFile() if log is None else log.open("w+b") as errors:
        process = subprocess.Popen(
            [python, *_command(server, f"{module}:{app}", port, workers)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": _python_path(), **environment},
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            _wait_until_ready(port, process, errors)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _python_path() -> str:
    """This checkout, and what the tests themselves were told to look in."""
    known = os.environ.get("PYTHONPATH")
    return str(ROOT) if not known else f"{ROOT}{os.pathsep}{known}"


def _wait_until_ready(
    port: int, process: "subprocess.Popen[bytes]", errors: IO[bytes], seconds: float = 30
) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    process.kill()
    process.wait()
    errors.seek(0)
    raise AssertionError(f"the server was not ready: {errors.read().decode()[-2000:]}")


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
