"""Django over real sockets: the middleware and the decorators, on every server and version."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.django_served import FIELDS, NAMES, SERVERS, Client, served
from tests.frameworks.servers import Connection

SETTING = {
    "limit": "30/hour",
    "default": "3/hour",
    "key": "ip",
    "exempt": ["health", "/files/**"],
}
Pair = tuple[str, bool]


@pytest.fixture(scope="module", params=SERVERS, ids=NAMES)
def pair(request: pytest.FixtureRequest) -> Pair:
    chosen: Pair = request.param
    return chosen


@pytest.fixture(scope="module")
def port(pair: Pair) -> Iterator[int]:
    with served(pair, SETTING) as port:
        yield port


@pytest.mark.shows("django", "default limits")
@pytest.mark.parametrize(
    "paths",
    [
        ["/"],
        ["/items/1/", "/items/2/"],
        ["/nested/deep/"],
        ["/nested/deeper/a/", "/nested/deeper/b/"],
        ["/async/"],
    ],
)
def test_every_view_without_a_limit_has_the_default_for_itself(port: int, paths: list[str]) -> None:
    client = Client(port)
    asked = [*paths, *paths, *paths, *paths]

    statuses = [client.ask(path).status for path in asked[:4]]

    assert statuses == [200, 200, 200, 429]
    # Another view counts for itself, and another client too.
    assert client.ask("/told/").status == 200
    assert Client(port).ask(paths[0]).status == 200


@pytest.mark.shows("django", "routers/blueprints/mounts")
def test_included_urls_are_limited_each_view_for_itself(port: int) -> None:
    client = Client(port)

    assert client.statuses("/nested/deep/", 4) == [200, 200, 200, 429]
    assert client.statuses("/nested/deeper/x/", 4) == [200, 200, 200, 429]


@pytest.mark.shows("django", "headers everywhere")
def test_the_fields_stand_on_every_kind_of_response(port: int, pair: Pair) -> None:
    client = Client(port)
    paths = {
        "/": 200,
        "/missing/": 404,
        "/broken/": 500,
        "/moved/": 302,
        "/forbidden/": 403,
        "/async": 301,
    }

    answers = {path: client.ask(path) for path in paths}

    assert {path: answer.status for path, answer in answers.items()} == paths
    for path, answer in answers.items():
        missing = [field for field in FIELDS if answer.headers.get_all(field) is None]
        assert missing == [], path
        assert len(answer.headers.get_all("X-RateLimit-Limit") or ()) == 1
        assert answer.headers["Retry-After"] is None


def test_what_gets_to_no_view_counts_for_the_application(port: int) -> None:
    client = Client(port)

    assert client.statuses("/missing/", 31) == [404] * 30 + [429]
    assert client.ask("/told/").status == 429


@pytest.mark.shows("django", "exemption")
@pytest.mark.parametrize("path", ["/free/", "/exempt/", "/health/", "/files/a/b.css"])
def test_what_is_exempt_has_no_limit(port: int, path: str) -> None:
    client = Client(port)

    assert client.statuses(path, 35) == [200] * 35
    answer = client.ask("/")
    assert (answer.status, answer.headers["X-RateLimit-Limit"]) == (200, "3")
    assert client.ask(path).headers["X-RateLimit-Limit"] is None


@pytest.mark.shows("django", "decorator")
def test_a_limit_of_a_views_own_replaces_the_default(port: int) -> None:
    client = Client(port)

    answers = [client.ask("/limited/") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Limit"] for answer in answers] == ["2", "2", "2"]
    assert [answer.headers["Retry-After"] is None for answer in answers] == [True, True, False]


@pytest.mark.shows("django", "headers everywhere")
@pytest.mark.parametrize("path", ["/styled/", "/astyled/"])
def test_a_decorator_may_have_header_fields_of_its_own(port: int, path: str) -> None:
    client = Client(port)

    answers = [client.ask(path) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    for answer in answers:
        assert answer.headers["RateLimit-Policy"].endswith(";q=2;w=3600")
        assert answer.headers["X-RateLimit-Limit"] is None


@pytest.mark.shows("django", "async")
@pytest.mark.parametrize("path", ["/alimited/", "/awhole/"])
def test_async_views_are_limited(port: int, path: str) -> None:
    assert Client(port).statuses(path, 3) == [200, 200, 429]


@pytest.mark.shows("django", "class views")
def test_class_views_are_limited_as_a_whole_and_by_method(port: int) -> None:
    client = Client(port)

    assert [client.ask("/whole/", method).status for method in ("GET", "POST", "GET")] == [
        *(200, 200, 429)
    ]
    assert client.statuses("/class/", 2) == [200, 429]
    assert client.statuses("/class/", 3, "POST") == [200, 200, 429]
    assert client.statuses("/class/", 4, "PUT") == [200, 200, 200, 429]
    # No limit of its own, so it has the default.
    assert client.statuses("/class/", 4, "PATCH") == [200, 200, 200, 429]


@pytest.mark.shows("django", "keys")
@pytest.mark.parametrize("path", ["/by-tenant/", "/by-tenant-async/", "/by-path/"])
def test_a_callable_says_whom_to_count(port: int, path: str) -> None:
    names = [f"{path[1:-1]}-{number}" for number in range(2)]
    client = Client(port)

    for name in names:
        assert client.statuses(f"{path}?tenant={name}", 3) == [200, 200, 429]


def test_names_of_django_ratelimit_mean_the_same(port: int) -> None:
    client = Client(port)

    assert client.statuses("/writes/", 2, "POST", x_api_key="a") == [200, 200]
    assert client.ask("/writes/", "PUT", x_api_key="a").status == 429
    assert client.ask("/writes/", "PUT", x_api_key="b").status == 200
    assert client.ask("/writes/", x_api_key="a").status == 200


def test_a_view_that_is_not_blocked_is_told(port: int) -> None:
    client = Client(port)

    answers = [client.ask("/unblocked/") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    told = [json.loads(answer.text)["limited"] for answer in answers]  # type: ignore[attr-defined]
    assert told == [False, False, True]
    assert answers[2].headers["X-RateLimit-Remaining"] == "0"
    assert answers[2].headers["Retry-After"] is None


def test_a_limited_function_below_a_view_answers_with_a_429(port: int) -> None:
    client = Client(port)

    answers = [client.ask("/below/") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "1800"
    assert answers[2].headers["X-RateLimit-Limit"] == "2"


@pytest.mark.shows("django", "on-breach response")
def test_a_callable_answers_a_refused_request(port: int) -> None:
    client = Client(port)

    answers: list[Any] = [client.ask("/answered/") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 420]
    assert json.loads(answers[2].text) == {"wait": "/answered/"}
    assert answers[2].headers["Content-Type"] == "application/json"
    assert answers[2].headers["X-RateLimit-Remaining"] == "0"


def test_views_with_one_scope_share_one_count(port: int) -> None:
    client = Client(port)
    paths = ["/first/", "/second/", "/first/", "/second/", "/first/"]

    assert [client.ask(path).status for path in paths] == [200, 200, 200, 429, 429]


def test_the_request_and_a_template_know_what_is_left(port: int) -> None:
    told: Any = Client(port).ask("/told/")

    assert json.loads(told.text) == {"remaining": 2, "rule": "/told/", "shown": "2"}


def test_a_preflight_is_not_counted(port: int) -> None:
    client = Client(port)
    preflight = {"origin": "http://a.test", "access_control_request_method": "GET"}

    assert client.statuses("/limited/", 40, "OPTIONS", **preflight) == [200] * 40
    assert client.ask("/limited/").status == 200


def test_a_forged_address_is_not_believed(port: int) -> None:
    client = Client(port)
    statuses = [
        client.ask("/told/", x_forwarded_for=f"198.51.100.{number}").status for number in range(5)
    ]

    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.shows("django", "streaming")
def test_a_stream_arrives_part_by_part(pair: Pair, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with (
        served(pair, SETTING, TIDEGATE_TEST_GATE=str(gate)) as port,
        closing(Connection(port)) as connection,
    ):
        response = connection.parts("/stream/", gate)

    assert response.headers["X-RateLimit-Limit"] == "3"
