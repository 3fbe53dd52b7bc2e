"""Of a hundred wrong passwords at once, exactly as many are checked as the limit allows."""

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.frameworks.servers import serve

MODULE = "tests.frameworks.apps_logins"


def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()


@pytest.mark.parametrize(
    ("server", "app"),
    [
        ("uvicorn", "asgi_app"),
        ("gunicorn", "wsgi_app"),
        ("uvicorn", "fastapi_app"),
        ("uvicorn", "fastapi_extension"),
    ],
)
def test_exactly_five_reach_the_password_check(server: str, app: str) -> None:
    with serve(server, app, module=MODULE) as port:
        with ThreadPoolExecutor(100) as crowd:
            answers = list(crowd.map(lambda _: ask(port, "POST", "/login", b"wrong"), range(100)))

        assert Counter(status for status, _ in answers) == {401: 5, 429: 95}
        assert ask(port, "GET", "/checked") == (200, b"5")


@pytest.mark.parametrize(("server", "app"), [("uvicorn", "asgi_app"), ("gunicorn", "wsgi_app")])
def test_right_passwords_are_not_charged(server: str, app: str) -> None:
    with serve(server, app, module=MODULE) as port:
        for _ in range(8):
            assert ask(port, "POST", "/login", b"right")[0] == 200
        assert [ask(port, "POST", "/login", b"wrong")[0] for _ in range(6)] == [401] * 5 + [429]
