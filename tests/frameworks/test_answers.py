"""Without a framework: answers of the user's own, limits of plans, exemptions."""

import json
from collections.abc import Iterator

import pytest

from tests.frameworks import apps_answers, raw
from tests.frameworks.servers import serve

PAIRS = [("gunicorn", "wsgi"), ("uvicorn", "asgi"), ("hypercorn", "asgi")]
APPS = [
    pytest.param((server, f"{kind}_{app}"), id=f"{server}-{app}", marks=shown)
    for server, kind in PAIRS
    for app in (("answers", "awaited") if kind == "asgi" else ("answers",))
    for shown in [pytest.mark.shows(kind, "on-breach response")]
]
TEXT, JSON = "text/plain; charset=utf-8", "application/json"


@pytest.fixture(scope="module", params=APPS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with serve(*request.param, module=apps_answers.__name__) as chosen:
        yield chosen


def refused(port: int, name: str, *lines: str) -> raw.Answer:
    """The second answer of an application that admits one request."""
    raw.ask(port, "GET", f"/{name}")
    return raw.ask(port, "GET", f"/{name}", *lines)


@pytest.mark.parametrize(
    ("name", "status", "kind", "body"),
    [
        ("text", 429, TEXT, b"slow down"),
        ("umlaut", 429, TEXT, "langs\u00e4mer".encode()),
        ("bytes", 429, None, b"slow\xff"),
        ("empty", 429, TEXT, b""),
        ("list", 429, JSON, b'["slow","down"]'),
        ("pair", 503, TEXT, b"busy"),
        ("triple", 418, JSON, b'{"a":1}'),
        ("page", 429, "text/html; charset=utf-8", None),
        ("line", 429, TEXT, None),
        ("object", 429, JSON, None),
    ],
)
def test_the_answer_is_the_users(
    port: int, name: str, status: int, kind: str | None, body: bytes | None
) -> None:
    answer = refused(port, name)

    assert answer.status == status
    assert kind is None or answer.value("content-type") == kind
    if body is not None and kind == JSON:
        assert json.loads(answer.body) == json.loads(body)
    elif body is not None:
        assert answer.body == body
    assert answer.value("content-length") == str(len(answer.body))
    assert answer.value("x-ratelimit-limit") == "1"
    assert answer.value("retry-after") is not None


def test_an_answer_may_bring_fields(port: int) -> None:
    assert refused(port, "triple").value("x-teapot") == "yes"


def test_no_answer_is_the_default(port: int) -> None:
    answer = refused(port, "default", "Accept: application/json")

    assert answer.status == 429
    assert answer.value("content-type") == "application/problem+json"
    assert json.loads(answer.body)["status"] == 429


def test_the_callback_is_told_who_asks_for_what_and_why_not(port: int) -> None:
    answer = refused(port, "told", "X-Api-Key: ana")

    assert json.loads(answer.body) == {
        "method": "GET",
        "path": "/told",
        "key": "ana",
        "allowed": False,
        "rule": "default",
        "limit": 1,
    }


def test_a_template_is_filled_in(port: int) -> None:
    page, line, made = (refused(port, name).body.decode() for name in ("page", "line", "object"))

    assert page.startswith("<p>Come back in 3")
    assert "$1 says default at" in page
    assert 3000 < int(line.removeprefix("wait ")) <= 3600
    assert json.loads(made)["limit"] == "1"


def test_a_callback_that_raises_lets_nobody_in(port: int) -> None:
    answers = [refused(port, "raises"), refused(port, "raises")]

    for answer in answers:
        # The mistake is the callback's, and is told as any mistake in the application.
        assert answer.status == 500
        assert b"you asked for" not in answer.body
    assert raw.ask(port, "GET", "/text").status in {200, 429}


def on(ability: str, app: str) -> pytest.MarkDecorator:
    """Runs a test on each server, as one that shows an ability."""
    servers = [
        pytest.param((server, f"{kind}_{app}"), id=server, marks=pytest.mark.shows(kind, ability))
        for server, kind in PAIRS
    ]
    return pytest.mark.parametrize("pair", servers)


@on("per-user limits", "limits")
def test_each_plan_has_its_own_limit(pair: tuple[str, str]) -> None:
    with serve(*pair, module=apps_answers.__name__) as port:
        answers = {
            plan: [raw.ask(port, "GET", "/", f"X-Plan: {plan}") for _ in range(4)]
            for plan in ("gold", "free", "closed")
        }

    statuses = {plan: [answer.status for answer in given] for plan, given in answers.items()}
    assert statuses == {
        "gold": [200, 200, 200, 429],
        "free": [200, 429, 429, 429],
        "closed": [429] * 4,
    }
    assert answers["gold"][0].value("x-ratelimit-limit") == "3"


@on("exemption", "limits")
def test_what_is_exempt_is_neither_counted_nor_refused(pair: tuple[str, str]) -> None:
    with serve(*pair, module=apps_answers.__name__) as port:
        paths = ["/items/health", "/items/health", "/items/1", "/items/1", "/items/health"]
        answers = [raw.ask(port, "GET", path) for path in paths]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 200]


@on("exemption", "excluded")
def test_paths_that_are_excluded_are_free(pair: tuple[str, str]) -> None:
    with serve(*pair, module=apps_answers.__name__) as port:
        paths = ["/items/1", "/items/a/b", "/moved", "/", "/", "/items/1", "/itemsx"]
        statuses = [raw.ask(port, "GET", path).status for path in paths]

    assert statuses == [200, 200, 302, 200, 429, 200, 429]
