"""A Django project on every server that tests ask: what they have in common."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from tests.frameworks.servers import Connection, serve
from tests.frameworks.versions import python_with

# A server, and whether it serves with the oldest versions.
SERVERS = [
    ("gunicorn", False),
    ("uvicorn", False),
    ("daphne", False),
    ("runserver", False),
    ("gunicorn", True),
    ("uvicorn", True),
]
NAMES = [f"{server}-{'oldest' if oldest else 'newest'}" for server, oldest in SERVERS]
SETTINGS = {
    "django": "tests.frameworks.django_settings",
    "drf": "tests.frameworks.drf_settings",
}
FIELDS = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]


@contextmanager
def served(
    pair: tuple[str, bool],
    setting: dict[str, Any],
    *,
    order: str = "first",
    module: str = "tests.frameworks.apps_django",
    framework: str = "django",
    workers: int = 1,
    log: Path | None = None,
    **environment: str,
) -> Iterator[int]:
    """Serves the project with a value of TIDEGATE; gives the port."""
    server, oldest = pair
    app = "asgi_app" if server in ("uvicorn", "daphne") else "wsgi_app"
    with serve(
        server,
        app,
        module=module,
        python=python_with(framework, oldest=oldest),
        workers=workers,
        log=log,
        DJANGO_SETTINGS_MODULE=SETTINGS[framework],
        TIDEGATE_TEST_SETTING=json.dumps(setting),
        TIDEGATE_TEST_ORDER=order,
        **environment,
    ) as port:
        yield port


class Client:
    """Asks from an address of loopback that no other test has, so that it counts anew."""

    _last = 0

    def __init__(self, port: int) -> None:
        Client._last += 1
        self.source = f"127.0.{Client._last // 250}.{Client._last % 250 + 2}"
        self._port = port

    def ask(self, path: str = "/", method: str = "GET", **headers: Any) -> HTTPResponse:
        """Asks once, and reads the whole answer into `response.text`."""
        with closing(Connection(self._port, self.source)) as connection:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.client.request(method, path, headers=fields)
            response = connection.client.getresponse()
            response.text = response.read().decode()  # type: ignore[attr-defined]
            return response

    def statuses(self, path: str, times: int, method: str = "GET", **headers: Any) -> list[int]:
        """Asks several times."""
        return [self.ask(path, method, **headers).status for _ in range(times)]
