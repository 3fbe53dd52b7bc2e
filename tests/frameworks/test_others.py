"""Every framework that docs/how-to/other-frameworks.md names, served as the page shows it."""

import sys

import pytest

from tests.frameworks import documented, raw
from tests.frameworks.servers import serve
from tests.frameworks.versions import APART, python_with

# By heading of the page: for each of its blocks, the server.
SERVERS = {
    "Litestar": ["uvicorn-lifespan"],
    "Quart": ["hypercorn"],
    "Sanic": ["uvicorn-lifespan"],
    "BlackSheep": ["uvicorn-lifespan"],
    "aiohttp": ["aiohttp"],
    "Bottle": ["gunicorn"],
    "Pyramid": ["gunicorn"],
    "Falcon": ["waitress", "uvicorn"],
}
CASES = [
    pytest.param(title, number, server, id=f"{title}-{server}")
    for title, servers in SERVERS.items()
    for number, server in enumerate(servers, start=1)
]
FIELDS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


def test_every_application_of_the_page_is_served() -> None:
    found = {title: len(blocks) for title, blocks in documented.blocks().items()}

    assert found == {title: len(servers) for title, servers in SERVERS.items()}


@pytest.mark.timeout(300)  # the first time, an environment is made
@pytest.mark.parametrize(("title", "number", "server"), CASES)
def test_every_route_is_limited_and_every_response_has_the_fields(
    title: str, number: int, server: str
) -> None:
    python = python_with(title.lower()) if title.lower() in APART else sys.executable
    wanted = {"TIDEGATE_TEST_BLOCKS": f"{title}:{number}"}
    with serve(server, "app", module=documented.__name__, python=python, **wanted) as port:
        paths = ("/", "/missing", "/also/missing") * 34
        answers = [raw.ask(port, "GET", path) for path in paths]
        elsewhere = raw.ask(port, "GET", source="127.0.0.2")

    assert [answer.status for answer in answers[:3]] == [200, 404, 404]
    assert [answer.status for answer in answers[99:]] == [200, 429, 429]
    for answer in (*answers, elsewhere):
        assert [len(answer.values(field)) for field in FIELDS] == [1, 1, 1]
        assert answer.value("x-ratelimit-limit") == "100"
        assert (answer.value("retry-after") is not None) == (answer.status == 429)
    assert elsewhere.status == 200
