"""The servers that the tests of frameworks serve their applications by."""

import http.client
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import GUNICORN, UVICORN, serving

# Two servers have an opinion of their own about forwarding headers. uvicorn believes those of
# loopback, or of everybody if told so, which must not make a limit forgeable; waitress removes
# them unless told not to.
BELIEVING = ["--forwarded-allow-ips", "*"]
HYPERCORN = ["-m", "hypercorn", "--log-level", "error"]
DAPHNE = ["-m", "daphne", "--verbosity", "0"]
RUNSERVER = ["-m", "django", "runserver", "--noreload", "--skip-checks"]
WAITRESS = ["-m", "waitress", "--no-clear-untrusted-proxy-headers", "--threads", "4", "--call"]


def _command(server: str, target: str, port: int, workers: int) -> list[str]:
    several = ["--workers", str(workers)]
    if server.startswith("uvicorn"):
        lifespan = "on" if server == "uvicorn-lifespan" else "off"
        believing = BELIEVING if server == "uvicorn-believing" else []
        options = ["--lifespan", lifespan, *several, *believing]
        return [*UVICORN, *options, "--host", "127.0.0.1", "--port", str(port), target]
    if server == "gunicorn":
        options = [*several, "--threads", "4", "--bind", f"127.0.0.1:{port}"]
        return [*GUNICORN, *options, f"{target}()"]
    if server == "hypercorn":
        return [*HYPERCORN, *several, "--bind", f"127.0.0.1:{port}", f"{target}()"]
    if server == "daphne":
        # It calls no factory, so a module makes the application when it is imported.
        return [*DAPHNE, "--bind", "127.0.0.1", "--port", str(port), "tests.frameworks.made:app"]
    if server == "aiohttp":
        return ["-m", "aiohttp.web", "--hostname", "127.0.0.1", "--port", str(port), target]
    if server == "runserver":
        # It finds the application by the settings.
        return [*RUNSERVER, f"127.0.0.1:{port}"]
    return [*WAITRESS, "--listen", f"127.0.0.1:{port}", target]


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

    def command(port: int) -> list[str]:
        return _command(server, f"{module}:{app}", port, workers)

    noted = {"TIDEGATE_TEST_APP": f"{module}:{app}", **environment}
    with serving(command, log=log, python=python, environment=noted) as port:
        yield port


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

    def parts(self, path: str, gate: Path) -> http.client.HTTPResponse:
        """Asks for three parts, each of which the server makes only when the one before is here.

        It waits for `gate`, the file that `TIDEGATE_TEST_GATE` names, to grow.
        """
        self.client.request("GET", path)
        response = self.client.getresponse()
        received = []
        for number in range(3):
            received.append(response.read(len("part 0;")))
            gate.write_bytes(b"x" * (number + 1))
        assert received == [b"part 0;", b"part 1;", b"part 2;"]
        return response
