"""The same cases for every kind of application, over real sockets."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.frameworks.servers import Connection, serve

PAIRS = [
    ("uvicorn", "fastapi_app"),
    ("uvicorn", "asgi_app"),
    ("uvicorn-believing", "fastapi_app"),
    ("gunicorn", "flask_app"),
    ("gunicorn", "wsgi_app"),
    ("waitress", "flask_app"),
]
FIELDS = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture(scope="module")
def limited(pair: tuple[str, str]) -> Iterator[int]:
    """A server that trusts nobody: 5 an hour for each address."""
    with serve(*pair, TIDEGATE_TEST_LIMIT="5/hour") as port:
        yield port


@pytest.fixture(scope="module")
def behind_a_proxy(pair: tuple[str, str]) -> Iterator[int]:
    """A server that trusts 127.0.0.1: 5 an hour for each address."""
    with serve(*pair, TIDEGATE_TEST_LIMIT="5/hour", TIDEGATE_TEST_TRUSTED="127.0.0.1") as port:
        yield port


def test_six_hundred_forged_addresses_from_one_peer_share_one_quota(limited: int) -> None:
    with closing(Connection(limited)) as connection:
        statuses = [
            connection.get(x_forwarded_for=f"198.51.{number // 250}.{number % 250}").status
            for number in range(600)
        ]

    assert statuses == [200] * 5 + [429] * 595


def test_behind_a_trusted_proxy_each_client_has_its_own_quota(behind_a_proxy: int) -> None:
    with closing(Connection(behind_a_proxy)) as connection:
        for client in ("198.51.100.1", "198.51.100.2", "2001:db8::1"):
            statuses = [connection.get(x_forwarded_for=client).status for _ in range(6)]
            assert statuses == [200] * 5 + [429], client
        # The last of the addresses was written by the proxy, the others by the client.
        forged = connection.get(x_forwarded_for="203.0.113.9, 198.51.100.1")

    assert forged.status == 429


def test_another_peer_is_not_trusted_with_what_it_writes(behind_a_proxy: int) -> None:
    with closing(Connection(behind_a_proxy, source="127.0.0.2")) as connection:
        statuses = [
            connection.get(x_forwarded_for=f"203.0.113.{number}").status for number in range(7)
        ]

    assert statuses == [200] * 5 + [429] * 2


def test_the_fields_stand_on_every_kind_of_response(limited: int, pair: tuple[str, str]) -> None:
    expected = {"/": 200, "/missing": 404, "/broken": 500}
    with closing(Connection(limited, source="127.0.0.3")) as connection:
        answers = []
        for path in (*expected, "/", "/", "/"):
            answers.append(connection.get(path))
            if answers[-1].status == 500:
                # Some servers close the connection after an error.
                connection.close()

    assert [answer.status for answer in answers] == [*expected.values(), 200, 200, 429]
    for answer in answers:
        # Without a framework nobody but the server is left to answer for an error.
        if answer.status == 500 and pair[1] in ("asgi_app", "wsgi_app"):
            continue
        assert [field for field in FIELDS if answer.headers.get_all(field) is None] == []
        assert (answer.headers["Retry-After"] is not None) == (answer.status == 429)


@pytest.mark.parametrize(
    "value", [b"\xff\xfe\x80", b', ,;="', b"x" * 4000, b"1.1.1.1," * 400, b"[::1", b"unknown"]
)
def test_hostile_fields_are_answered(behind_a_proxy: int, value: bytes) -> None:
    with closing(Connection(behind_a_proxy)) as connection:
        answer = connection.get(x_forwarded_for=value, accept=value, x_api_key=value, cookie=value)

    assert answer.status in (200, 429)


def test_a_stream_arrives_part_by_part(pair: tuple[str, str], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with (
        serve(*pair, TIDEGATE_TEST_GATE=str(gate)) as port,
        closing(Connection(port)) as connection,
    ):
        response = connection.parts("/stream", gate)

    assert response.status == 200
    assert response.headers["X-RateLimit-Limit"] == "1000"
