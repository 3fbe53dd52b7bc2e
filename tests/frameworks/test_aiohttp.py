"""aiohttp: handlers, errors, streams and sub-applications behind the gate, on its own server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiohttp import web

from tests.frameworks import apps_aiohttp, raw
from tests.frameworks.apps_plain import given
from tests.frameworks.servers import serve
from tidegate import ConfigError, protect_app

FIELDS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


@contextmanager
def serving(app: str = "limited", **options: object) -> Iterator[int]:
    with serve("aiohttp", app, module=apps_aiohttp.__name__, **given(**options)) as port:
        yield port


def test_the_fields_stand_once_on_every_response() -> None:
    expected = {
        "/": 200,
        "/moved": 302,
        "/forbidden": 403,
        "/broken": 500,
        "/nothing": 500,
        "/stream": 200,
        "/sub/": 200,
        "/sub/missing": 404,
        "/missing": 404,
        "/view": 200,
    }
    with serving(limit="10/hour") as port:
        answers = {path: raw.ask(port, "GET", path) for path in expected}
        last = raw.ask(port, "GET")

    assert {path: answer.status for path, answer in answers.items()} == expected
    assert last.status == 429
    for path, answer in {**answers, "last": last}.items():
        assert [len(answer.values(field)) for field in FIELDS] == [1, 1, 1], path
        assert (answer.value("retry-after") is not None) == (answer.status == 429)
    remaining = [answer.value("x-ratelimit-remaining") for answer in answers.values()]
    assert remaining == [str(left) for left in reversed(range(10))]
    assert answers["/stream"].body == b"part 0;part 1;part 2;"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/problem+json"),
        ("text/html", "text/html"),
        ("text/plain", "text/plain"),
    ],
)
def test_a_refusal_suits_what_the_client_accepts(accept: str, kind: str) -> None:
    with serving(limit="0/hour") as port:
        refused = raw.ask(port, "GET", "/", f"Accept: {accept}")
        head = raw.ask(port, "HEAD", "/", f"Accept: {accept}")

    assert refused.status == head.status == 429
    assert (refused.value("content-type") or "").partition(";")[0] == kind
    assert refused.value("content-length") == str(len(refused.body))
    assert head.body == b""


def test_a_limited_function_becomes_a_429() -> None:
    with serving(limit="10/hour") as port:
        statuses = [raw.ask(port, "GET", "/search").status for _ in range(3)]
        elsewhere = raw.ask(port, "GET", "/search", source="127.0.0.2").status

    assert statuses == [200, 429, 429]
    assert elsewhere == 200


def test_each_user_is_counted_by_an_async_callable() -> None:
    with serving("users") as port:
        users = ["ana", "ana", "ana", "bob"]
        statuses = [raw.ask(port, "GET", "/", f"Authorization: {user}").status for user in users]

    assert statuses == [200, 200, 429, 200]


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ([], "198.51.100.7", "127.0.0.1"),
        ([], "127.0.0.1", "127.0.0.1"),
        (["127.0.0.1"], "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (["127.0.0.1"], "127.0.0.1, 198.51.100.7", "198.51.100.7"),
    ],
)
def test_the_client_is_who_the_socket_and_trusted_proxies_say(
    trusted: list[str], forwarded: str, address: str
) -> None:
    with serving(limit="5/hour", per_ip=True, trusted_proxies=trusted) as port:
        answer = raw.ask(port, "GET", "/decision", f"X-Forwarded-For: {forwarded}")

    assert json.loads(answer.body) == [address, address, 4]


def test_a_field_of_a_form_may_be_the_key_and_the_handler_reads_the_form_too() -> None:
    kind = "Content-Type: application/x-www-form-urlencoded"
    with serving(limit="1/hour", key="form:user") as port:
        answers = []
        for user in (b"ana", b"bob", b"ana"):
            body = b"user=" + user
            length = f"Content-Length: {len(body)}"
            data = raw.request("POST", "/echo", kind, length, body=body)
            answers.append(raw.send(port, data))

    assert [answer.status for answer in answers if answer] == [200, 200, 429]
    assert [answer.body for answer in answers[:2] if answer] == [b"ana", b"bob"]


def test_a_refusal_may_be_in_the_users_words() -> None:
    with serving("answering") as port:
        first, refused = (raw.ask(port, "GET", "/view") for _ in range(2))

    assert (first.status, refused.status) == (200, 503)
    assert json.loads(refused.body) == {"path": "/view", "limit": 1}
    assert refused.value("x-own") == "yes"
    assert refused.value("content-type") == "application/json"
    assert refused.value("retry-after") is not None


def test_a_preflight_is_free() -> None:
    lines = ["Origin: http://example.org", "Access-Control-Request-Method: PUT"]
    with serving(limit="1/hour") as port:
        free = [raw.ask(port, "OPTIONS", "/", *lines) for _ in range(3)]
        counted = [raw.ask(port, "OPTIONS", "/").status for _ in range(2)]

    assert [answer.status for answer in free] == [405] * 3
    assert free[0].values("x-ratelimit-limit") == []
    assert counted == [405, 429]


def test_a_wrong_option_is_named_before_anything_is_served() -> None:
    with pytest.raises(ConfigError, match="limit"):
        protect_app(web.Application(), "many")
