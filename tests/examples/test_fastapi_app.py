"""The FastAPI application in `examples/` starts, limits, and documents that it does."""

from collections.abc import Iterator

import pytest

from tests.frameworks.asking import send, statuses
from tests.frameworks.servers import serve


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serve("uvicorn", "make", module="tests.examples.test_fastapi_app") as port:
        yield port


def make() -> object:
    """Makes the application in the server's process."""
    from examples.fastapi_app import app

    return app


def test_each_user_has_three_searches(port: int) -> None:
    ana = {"authorization": "Bearer token-of-ana"}

    assert send(port, "GET", "/api/search?q=x", 2, **ana)[2] == b'{"query":"x","left":2}'
    assert statuses(port, "/api/search", 2, 3, **ana) == [200, 200, 429]
    assert statuses(port, "/api/search", 2, 1, authorization="Bearer token-of-bob") == [200]
    assert statuses(port, "/api/search", 2, 1) == [401]


def test_an_address_has_five_attempts_to_log_in(port: int) -> None:
    assert [send(port, "POST", "/login", 3)[0] for _ in range(6)] == [200] * 5 + [429]
    assert statuses(port, "/health", 3, 3) == [200] * 3


def test_the_refusals_are_documented(port: int) -> None:
    from examples.fastapi_app import app

    documented = {
        path
        for path, operations in app.openapi()["paths"].items()
        for operation in operations.values()
        if "429" in operation["responses"]
    }

    assert documented == {"/api/search", "/login"}
