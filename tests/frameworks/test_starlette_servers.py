"""Starlette over real sockets: `TideGate` with the oldest and the newest versions."""

import gzip
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

MODULE = "tests.frameworks.apps_starlette"


@pytest.fixture(scope="module", params=PAIRS, ids=NAMES)
def pair(request: pytest.FixtureRequest) -> dict[str, Any]:
    server, oldest = request.param
    return {"server": server, "python": python_with("fastapi", oldest=oldest), "module": MODULE}


@pytest.fixture(scope="module")
def port(pair: dict[str, Any]) -> Iterator[int]:
    with serve(app="starlette_app", **pair) as port:
        yield port


@pytest.fixture(scope="module")
def whole(pair: dict[str, Any]) -> Iterator[int]:
    with serve(app="whole_app", **pair) as port:
        yield port


@pytest.mark.shows("starlette", "decorator")
@pytest.mark.shows("starlette", "async")
@pytest.mark.parametrize("path", ["/own", "/aown"])
def test_a_route_has_its_own_limit(port: int, path: str) -> None:
    assert statuses(port, path, 2, 5) == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("path", ["/decorated", "/sync-decorated"])
def test_the_decorator_works_below_the_default(port: int, path: str) -> None:
    answers = ask(port, path, 2, 3)

    assert [answer.status for answer in answers] == [200, 200, 429]


@pytest.mark.shows("starlette", "default limits")
def test_the_default_counts_each_route_by_itself(port: int) -> None:
    assert statuses(port, "/", 3, 3) == [200, 200, 429]
    assert statuses(port, "/items/1", 3, 2) == [200, 200]
    assert statuses(port, "/items/2", 3, 1) == [429]


@pytest.mark.shows("starlette", "routers/blueprints/mounts")
@pytest.mark.parametrize(
    "path",
    [
        "/outer/job",
        "/outer/inner/job",
        "/sub/job/1",
        "/wrapped/job/1",
        "/static/file.txt",
    ],
)
def test_the_default_holds_in_routers_mounts_and_folders(port: int, path: str) -> None:
    assert statuses(port, path, 4, 3) == [200, 200, 429]


def test_a_limit_is_found_in_a_mounted_application_too(port: int) -> None:
    # One function, one count, wherever it is mounted.
    assert statuses(port, "/sub/own", 5, 2) == [200, 200]
    assert statuses(port, "/wrapped/own", 5, 2) == [200, 429]


@pytest.mark.shows("starlette", "class views")
def test_a_class_is_limited_as_a_whole(port: int) -> None:
    assert [send(port, method, "/class", 6)[0] for method in ("GET", "POST", "GET", "POST")] == [
        200,
        200,
        200,
        429,
    ]
    assert statuses(port, "/plain-class", 6, 3) == [200, 200, 429]


def test_several_routes_share_a_limit(port: int) -> None:
    assert statuses(port, "/first", 7, 2) == [200, 200]
    assert statuses(port, "/second", 7, 2) == [200, 429]


@pytest.mark.shows("starlette", "exemption")
@pytest.mark.parametrize("path", ["/health", "/free/file.txt"])
def test_what_is_exempt_has_no_limit(port: int, path: str) -> None:
    assert statuses(port, path, 8, 5) == [200] * 5


@pytest.mark.shows("starlette", "keys")
def test_a_key_says_who_is_counted(port: int) -> None:
    assert statuses(port, "/by-key", 9, 3, x_api_key="one") == [200, 200, 429]
    assert statuses(port, "/by-key", 10, 1, x_api_key="one") == [429]
    assert statuses(port, "/by-key", 9, 1, x_api_key="two") == [200]


@pytest.mark.shows("starlette", "per-user limits")
def test_a_user_is_counted_wherever_they_are(port: int) -> None:
    assert statuses(port, "/by-user", 11, 2, x_user="ana") == [200, 200]
    assert statuses(port, "/by-user", 12, 1, x_user="ana") == [429]
    assert statuses(port, "/by-user", 11, 1, x_user="bob") == [200]
    assert statuses(port, "/by-user", 11, 3) == [200, 200, 429]


@pytest.mark.shows("starlette", "on-breach response")
def test_the_application_may_answer_a_breach(port: int) -> None:
    statuses(port, "/sorry", 13, 1)

    status, headers, body = send(port, "GET", "/sorry", 13)

    assert (status, body) == (429, b'{"path": "/sorry"}')
    assert headers["Retry-After"] == "60"


@pytest.mark.shows("starlette", "headers everywhere")
@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/broken", 500), ("/items/7", 200), ("/static/none", 404), ("/events", 200)],
)
def test_the_fields_stand_on_every_kind_of_response(port: int, path: str, status: int) -> None:
    answers = ask(port, path, 14, 3)

    assert [answer.status for answer in answers] == [status, status, 429]
    for answer in answers:
        assert [field for field in FIELDS if len(answer.headers.get_all(field) or ()) != 1] == []
        assert (answer.headers["Retry-After"] is not None) == (answer.status == 429)


@pytest.mark.shows("starlette", "streaming")
def test_a_stream_arrives_part_by_part(pair: dict[str, Any], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with (
        serve(app="starlette_app", **pair, TIDEGATE_TEST_GATE=str(gate)) as port,
        closing(Connection(port)) as connection,
    ):
        assert connection.parts("/stream", gate).status == 200


def test_the_middlewares_of_starlette_go_on_working(port: int) -> None:
    status, headers, body = send(port, "GET", "/zipped", 15, accept_encoding="gzip")

    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == b"data: a\n\ndata: b\n\n"
    assert (headers["X-Mark"], headers["X-RateLimit-Limit"]) == ("1", "2")


def test_a_key_may_read_the_body_before_the_route_does(port: int) -> None:
    ana, bob = '{"name": "ana"}', '{"name": "bob"}'

    answers = [send(port, "POST", "/by-body", 22, body) for body in (ana, ana, ana, bob)]

    assert [status for status, _, _ in answers] == [200, 200, 429, 200]
    assert [answers[0][2], answers[3][2]] == [b'{"name":"ana"}', b'{"name":"bob"}']


def test_a_stream_ends_when_its_client_leaves(port: int) -> None:
    with closing(Connection(port, "127.0.0.23")) as connection:
        connection.client.request("GET", "/endless")
        assert connection.client.getresponse().read(3) == b"..."

    assert eventually(lambda: b"left" in send(port, "GET", "/tasks", 23)[2])


def test_middlewares_may_stand_around_it(pair: dict[str, Any]) -> None:
    with serve(app="inside_app", **pair) as port:
        answers = [send(port, "GET", "/zipped", 24, accept_encoding="gzip") for _ in range(3)]

    assert [status for status, _, _ in answers] == [200, 200, 429]
    for _, headers, _ in answers:
        assert headers.get_all("Content-Encoding") == ["gzip"]
        assert len(headers.get_all("X-RateLimit-Limit")) == 1
    assert gzip.decompress(answers[0][2]) == b"data: a\n\ndata: b\n\n"


def test_a_background_task_runs(port: int) -> None:
    statuses(port, "/task", 16, 1)

    assert eventually(lambda: b"task" in send(port, "GET", "/tasks", 16)[2])


def test_a_preflight_is_not_counted(port: int) -> None:
    fields = {"origin": "https://example.org", "access_control_request_method": "GET"}

    assert [send(port, "OPTIONS", "/", 17, **fields)[0] for _ in range(4)] == [200] * 4
    assert statuses(port, "/", 17, 2) == [200, 200]


def test_head_counts_as_the_route_does(port: int) -> None:
    answers = [send(port, "HEAD", "/", 18) for _ in range(3)]

    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert [body for _, _, body in answers] == [b""] * 3


def test_a_websocket_is_refused_at_its_handshake(port: int) -> None:
    answers = [handshake(port, "/socket", 19) for _ in range(3)]

    assert [(status, text) for status, text, _ in answers[:2]] == [(101, "hello")] * 2
    assert answers[0][2]["x-ratelimit-remaining"] == "1"
    # What servers make of closing before the handshake is done.
    assert answers[2][0] == 403


def test_the_whole_application_may_have_a_limit(whole: int) -> None:
    assert statuses(whole, "/", 20, 2) == [200, 200]
    assert statuses(whole, "/missing", 20, 1) == [404]
    assert statuses(whole, "/static/file.txt", 20, 1) == [429]
    assert statuses(whole, "/health", 20, 4) == [200] * 4


def test_it_speaks_http_2(port: int, pair: dict[str, Any]) -> None:
    if pair["server"] != "hypercorn":
        return
    answers = [ask_h2(port, "/events", 21) for _ in range(3)]

    assert [fields[":status"] for fields, _ in answers] == ["200", "200", "429"]
    assert [fields["x-ratelimit-remaining"] for fields, _ in answers] == ["1", "0", "0"]
    assert answers[0][1] == b"data: a\n\ndata: b\n\n"
    assert answers[2][0]["retry-after"] == "30"
