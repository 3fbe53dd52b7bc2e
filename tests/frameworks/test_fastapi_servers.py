"""FastAPI over real sockets: `TideGate` and `RateLimit` with the oldest and the newest versions."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.asking import (
    FIELDS,
    NAMES,
    PAIRS,
    ask,
    ask_h2,
    eventually,
    handshake,
    send,
    statuses,
)
from tests.frameworks.servers import Connection, serve
from tests.frameworks.versions import python_with

MODULE = "tests.frameworks.apps_fastapi"


@pytest.fixture(scope="module", params=PAIRS, ids=NAMES)
def pair(request: pytest.FixtureRequest) -> dict[str, Any]:
    server, oldest = request.param
    return {"server": server, "python": python_with("fastapi", oldest=oldest), "module": MODULE}


@pytest.fixture(scope="module")
def port(pair: dict[str, Any]) -> Iterator[int]:
    with serve(app="fastapi_app", **pair) as port:
        yield port


@pytest.fixture(scope="module")
def dependencies(pair: dict[str, Any]) -> Iterator[int]:
    with serve(app="dependencies_app", **pair) as port:
        yield port


@pytest.fixture(scope="module")
def whole(pair: dict[str, Any]) -> Iterator[int]:
    with serve(app="whole_app", **pair) as port:
        yield port


@pytest.mark.shows("fastapi", "decorator")
@pytest.mark.shows("fastapi", "async")
@pytest.mark.parametrize("path", ["/outer/decorated", "/outer/adecorated"])
def test_the_decorator_limits_a_route(port: int, path: str) -> None:
    answers = ask(port, path, 2, 2)

    assert [answer.status for answer in answers] == [200, 429]
    assert [answer.headers["X-RateLimit-Limit"] for answer in answers] == ["1", "1"]
    assert answers[1].headers["Retry-After"] == "60"


@pytest.mark.shows("fastapi", "default limits")
def test_the_default_counts_each_route_by_itself(port: int) -> None:
    assert statuses(port, "/again/job/1", 3, 2) == [200, 200]
    assert statuses(port, "/again/job/2", 3, 1) == [429]
    assert statuses(port, "/again/ajob/2", 3, 3) == [200, 200, 429]


@pytest.mark.shows("fastapi", "routers/blueprints/mounts")
@pytest.mark.parametrize(
    "path",
    [
        "/outer/middle/inner/job/1",
        "/outer/middle/inner/ajob/1",
        "/again/job/1",
        "/sub/job/1",
        "/sub/ajob/1",
        "/static/file.txt",
    ],
)
def test_the_default_holds_in_routers_mounts_and_folders(port: int, path: str) -> None:
    assert statuses(port, path, 4, 3) == [200, 200, 429]


def test_a_limit_goes_with_its_function_into_every_router(port: int) -> None:
    assert statuses(port, "/outer/middle/inner/own", 5, 1) == [200]
    assert statuses(port, "/again/own", 5, 1) == [200]
    assert statuses(port, "/sub/own", 5, 2) == [200, 429]
    # Above the line that makes the route, it is as good.
    assert statuses(port, "/again/aown", 5, 4) == [200, 200, 200, 429]


@pytest.mark.shows("fastapi", "class views")
def test_a_method_of_an_object_is_limited(port: int) -> None:
    assert statuses(port, "/outer/class", 6, 2) == [200, 429]


def test_several_routes_share_a_limit(port: int) -> None:
    assert statuses(port, "/again/first", 7, 2) == [200, 200]
    assert statuses(port, "/sub/second", 7, 2) == [200, 429]


@pytest.mark.shows("fastapi", "exemption")
@pytest.mark.parametrize("path", ["/again/health", "/sub/health", "/outer/middle/inner/health"])
def test_what_is_exempt_has_no_limit(port: int, path: str) -> None:
    assert statuses(port, path, 8, 5) == [200] * 5


@pytest.mark.shows("fastapi", "headers everywhere")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/outer/broken", 500),
        ("/outer/denied", 403),
        ("/outer/valid?number=x", 422),
        ("/outer/valid?number=1", 200),
        ("/static/none", 404),
    ],
)
def test_the_fields_stand_on_every_kind_of_response(port: int, path: str, status: int) -> None:
    # Two of them are the same route.
    answers = ask(port, path, 100 + status // 10, 3)

    assert [answer.status for answer in answers] == [status, status, 429]
    for answer in answers:
        assert [field for field in FIELDS if len(answer.headers.get_all(field) or ()) != 1] == []
        assert (answer.headers["Retry-After"] is not None) == (answer.status == 429)


@pytest.mark.shows("fastapi", "streaming")
def test_a_stream_arrives_part_by_part(pair: dict[str, Any], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with (
        serve(app="fastapi_app", **pair, TIDEGATE_TEST_GATE=str(gate)) as port,
        closing(Connection(port)) as connection,
    ):
        response = connection.parts("/outer/stream", gate)

    assert response.headers["X-RateLimit-Limit"] == "1000"


def test_a_background_task_runs(port: int) -> None:
    statuses(port, "/outer/task", 50, 1)

    assert eventually(lambda: send(port, "GET", "/outer/tasks", 50)[2] == b'["task"]')


def test_a_websocket_is_refused_at_its_handshake(port: int, dependencies: int) -> None:
    answers = [handshake(port, "/outer/socket", 51) for _ in range(3)]
    by_dependency = [handshake(dependencies, "/socket", 51) for _ in range(2)]

    assert [status for status, _, _ in answers] == [101, 101, 403]
    assert answers[0][2]["x-ratelimit-remaining"] == "1"
    assert [status for status, _, _ in by_dependency] == [101, 403]


@pytest.mark.shows("fastapi", "decorator")
@pytest.mark.shows("fastapi", "async")
@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_a_dependency_limits_a_route(dependencies: int, path: str) -> None:
    answers = ask(dependencies, path, 52, 3)

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["Retry-After"] == "30"


@pytest.mark.shows("fastapi", "routers/blueprints/mounts")
def test_a_dependency_limits_a_router_with_all_that_is_in_it(dependencies: int) -> None:
    assert statuses(dependencies, "/router/a", 53, 2) == [200, 200]
    assert statuses(dependencies, "/router/nested/b", 53, 2) == [200, 429]


def test_a_dependency_limits_an_application(dependencies: int) -> None:
    assert statuses(dependencies, "/b", 54, 9) == [200] * 8 + [429]


def test_a_dependency_is_the_decision(dependencies: int) -> None:
    assert [send(dependencies, "GET", "/left", 55)[2] for _ in range(2)] == [b"6", b"5"]


@pytest.mark.shows("fastapi", "keys")
def test_a_key_says_who_is_counted(dependencies: int) -> None:
    assert statuses(dependencies, "/key", 56, 3, x_api_key="one") == [200, 200, 429]
    assert statuses(dependencies, "/key", 57, 1, x_api_key="one") == [429]
    assert statuses(dependencies, "/key", 56, 1, x_api_key="two") == [200]


@pytest.mark.shows("fastapi", "per-user limits")
def test_a_key_may_be_a_dependency_that_knows_the_user(dependencies: int) -> None:
    assert statuses(dependencies, "/user", 58, 2, x_user="ana") == [200, 200]
    assert statuses(dependencies, "/user", 59, 1, x_user="ana") == [429]
    assert statuses(dependencies, "/user", 58, 1, x_user="bob") == [200]
    assert statuses(dependencies, "/user", 58, 1) == [401]


@pytest.mark.shows("fastapi", "on-breach response")
def test_a_dependency_may_answer_a_breach(dependencies: int) -> None:
    made = [send(dependencies, "GET", "/teapot", 60) for _ in range(2)][1]
    short = [send(dependencies, "GET", "/short", 60) for _ in range(2)][1]

    assert (made[0], made[2]) == (418, b"/teapot 1")
    assert (short[0], short[2], short[1]["X-Mine"]) == (420, b'{"wait": 60.0}', "1")
    assert short[1]["Retry-After"] == "60"


def test_a_handler_of_the_users_sees_the_refusal(pair: dict[str, Any]) -> None:
    with serve(app="handled_app", **pair) as port:
        statuses(port, "/", 61, 1)

        assert send(port, "GET", "/", 61)[::2] == (429, b"wait 60.0")


def test_the_whole_application_may_have_a_limit(whole: int) -> None:
    assert statuses(whole, "/", 62, 2) == [200, 200]
    assert statuses(whole, "/missing", 62, 1) == [404]
    assert statuses(whole, "/static/file.txt", 62, 1) == [429]
    assert statuses(whole, "/health", 62, 4) == [200] * 4
    # Its documents are routes, too.
    assert statuses(whole, "/openapi.json", 62, 1) == [429]


def test_it_speaks_http_2(port: int, pair: dict[str, Any]) -> None:
    if pair["server"] != "hypercorn":
        return
    answers = [ask_h2(port, "/again/job/1", 63) for _ in range(3)]

    assert [fields[":status"] for fields, _ in answers] == ["200", "200", "429"]
    assert [fields["x-ratelimit-remaining"] for fields, _ in answers] == ["1", "0", "0"]
    assert answers[2][0]["retry-after"] == "30"
