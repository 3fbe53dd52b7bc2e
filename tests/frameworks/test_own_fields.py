"""A limit inside an application that has header fields of its own, and one that has none."""

from collections.abc import Iterator

import pytest

from tests.frameworks import apps_own_fields, raw
from tests.frameworks.servers import serve

DRAFT = ["ratelimit", "ratelimit-policy"]
LEGACY = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
APPS = [
    ("gunicorn", "flask_extension"),
    ("gunicorn", "flask_decorated"),
    ("gunicorn", "plain_wsgi"),
    ("uvicorn", "fastapi_extension"),
    ("uvicorn", "fastapi_depends"),
    ("uvicorn", "plain_asgi"),
]


@pytest.fixture(scope="module", params=APPS, ids=[app for _, app in APPS])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    server, app = request.param
    with serve(server, app, module=apps_own_fields.__name__) as port:
        yield port


def shown(answer: raw.Answer) -> list[str]:
    return sorted(name for name, _ in answer.fields if "ratelimit" in name)


def test_a_limits_own_fields_stand_on_what_it_admits_and_refuses(port: int) -> None:
    first, second = (raw.ask(port, "GET", "/own") for _ in range(2))

    assert second.status == 429
    assert [shown(first), shown(second)] == [DRAFT, DRAFT]
    assert (first.value("ratelimit") or "").split(";")[1] == "r=0"


def test_without_any_those_of_the_limit_around_stand_there(port: int) -> None:
    first, second = (raw.ask(port, "GET", "/other") for _ in range(2))

    assert second.status == 429
    assert [shown(first), shown(second)] == [LEGACY, LEGACY]
    assert first.value("ratelimit-limit") == "1"
