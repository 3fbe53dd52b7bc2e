"""Flask: the whole application, single views, and what its own features make of a refusal."""

from typing import Any

import pytest
from flask import Blueprint, Flask, abort, jsonify, request
from flask.views import MethodView

from tidegate import ConfigError, RateLimitExceeded, protect_app, rate_limit
from tidegate.testing import Clock, assert_limited

FIELDS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


def protected(*arguments: Any, **options: Any) -> Flask:
    app = Flask("test")
    app.add_url_rule("/", view_func=lambda: "hello", endpoint="hello")
    app.add_url_rule("/abort", view_func=lambda: abort(503), endpoint="abort")
    options.setdefault("clock", Clock())
    protected_app: Flask = protect_app(app, *arguments, **options)
    assert protected_app is app
    return app


def test_one_line_protects_the_whole_application() -> None:
    client = protected("5/minute").test_client()

    refused: Any = assert_limited(lambda: client.get("/"), limit=5)

    assert refused.headers["retry-after"] == "12"


def test_flowshields_positional_form_means_the_same() -> None:
    app = protected(3, True, 600)
    client = app.test_client()

    for address in ("192.0.2.1", "192.0.2.2"):
        assert_limited(
            lambda address=address: client.get(  # type: ignore[misc]
                "/", environ_base={"REMOTE_ADDR": address}
            ),
            limit=3,
        )


def test_the_fields_stand_on_every_kind_of_response() -> None:
    app = protected("5/minute")
    runs: list[int] = []

    @app.get("/broken")
    def broken() -> str:
        runs.append(1)
        raise KeyError("mine")

    client = app.test_client()
    answers = [client.get(path) for path in ("/", "/missing", "/abort", "/broken", "/", "/")]

    assert [answer.status_code for answer in answers] == [200, 404, 503, 500, 200, 429]
    for answer in answers:
        assert [field for field in FIELDS if field not in answer.headers] == []
        assert ("retry-after" in answer.headers) == (answer.status_code == 429)
    assert runs == [1]


def test_a_view_that_raises_in_a_test_raises_there_and_ran_once() -> None:
    app = protected("5/minute")
    app.testing = True
    runs: list[int] = []

    @app.get("/broken")
    def broken() -> str:
        runs.append(1)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        app.test_client().get("/broken")
    assert runs == [1]


def test_protecting_twice_counts_twice_and_the_tighter_limit_wins() -> None:
    app = protected("2/minute")
    protect_app(app, "5/minute", clock=Clock())

    assert_limited(lambda: app.test_client().get("/"), limit=2)


def test_two_applications_are_independent() -> None:
    first, second = protected("1/minute"), protected("3/minute")

    assert_limited(lambda: first.test_client().get("/"), limit=1)
    assert_limited(lambda: second.test_client().get("/"), limit=3)


def test_it_may_be_protected_after_it_has_served() -> None:
    app = protected("5/minute")
    app.test_client().get("/")
    protect_app(app, "1/minute", clock=Clock())

    assert_limited(lambda: app.test_client().get("/"), limit=1)


def test_a_blueprint_is_told_to_protect_the_application() -> None:
    with pytest.raises(ConfigError, match=r"Flask blueprint.*protect the application"):
        protect_app(Blueprint("part", "test"))  # type: ignore[call-overload]


def limited_app(**options: Any) -> tuple[Flask, Any]:
    app = Flask("test")
    options.setdefault("clock", Clock())

    @app.get("/limited/<name>")
    @rate_limit("2/minute", **options)
    def limited(name: str) -> Any:
        return jsonify(name=name)

    @app.get("/free")
    def free() -> str:
        return "free"

    return app, app.test_client()


def test_a_limited_view_refuses_alone() -> None:
    _, client = limited_app()

    refused: Any = assert_limited(lambda: client.get("/limited/ana"), limit=2)

    assert [field for field in FIELDS if field not in refused.headers] == []
    assert refused.headers["retry-after"] == "30"
    assert client.get("/free").status_code == 200


@pytest.mark.parametrize(
    ("key", "others"),
    [
        ("ip", {"environ_base": {"REMOTE_ADDR": "192.0.2.9"}}),
        ("path", {"path": "/limited/bob"}),
        ("header:x-api-key", {"headers": {"X-Api-Key": "other"}}),
        (lambda request: request.args.get("user", "nobody"), {"query_string": "user=bob"}),
    ],
)
def test_a_view_is_limited_by_what_the_request_has(key: Any, others: dict[str, Any]) -> None:
    _, client = limited_app(key=key)

    assert_limited(lambda: client.get("/limited/ana"), limit=2)

    assert client.get(**{"path": "/limited/ana", **others}).status_code == 200


def test_the_callable_is_given_flasks_own_request() -> None:
    seen: list[Any] = []

    def remember(given: Any) -> str:
        seen.append((type(given), given == request))
        return "ana"

    _, client = limited_app(key=remember)
    client.get("/limited/ana")

    assert seen == [(Flask.request_class, True)]


@pytest.mark.parametrize("kind", [429, RateLimitExceeded])
def test_an_error_handler_may_answer_instead(kind: Any) -> None:
    app, client = limited_app()

    @app.errorhandler(kind)
    def sorry(error: RateLimitExceeded) -> Any:
        return {"wait": error.decision.retry_after}, 429

    refused: Any = assert_limited(lambda: client.get("/limited/ana"), limit=2)

    assert refused.json == {"wait": 30.0}


def test_after_request_hooks_run_on_a_refused_view() -> None:
    app, client = limited_app()

    @app.after_request
    def mark(response: Any) -> Any:
        response.headers["x-mark"] = "1"
        return response

    refused: Any = assert_limited(lambda: client.get("/limited/ana"), limit=2)

    assert refused.headers["x-mark"] == "1"


def test_class_views_and_async_views_may_be_limited() -> None:
    app = Flask("test")

    class Items(MethodView):
        @rate_limit("1/minute", key="ip", clock=Clock())
        def get(self) -> str:
            return "items"

        @rate_limit("2/minute", key="ip", clock=Clock())
        def post(self) -> str:
            return "made"

    app.add_url_rule("/items", view_func=Items.as_view("items"))
    client = app.test_client()

    assert_limited(lambda: client.get("/items"), limit=1)
    assert_limited(lambda: client.post("/items"), limit=2)


def test_a_function_below_a_view_answers_with_a_429_too() -> None:
    app = Flask("test")

    @rate_limit("1/minute", key="ip", clock=Clock())
    def send_mail() -> None: ...

    @app.get("/")
    def view() -> str:
        send_mail()
        return "sent"

    assert_limited(lambda: app.test_client().get("/"), limit=1)


def test_the_view_and_the_application_count_apart_and_the_refusal_shows_the_view() -> None:
    app, client = limited_app()
    protect_app(app, "50/minute", clock=Clock())

    refused: Any = assert_limited(lambda: client.get("/limited/ana"), limit=2)

    assert refused.headers.getlist("x-ratelimit-limit") == ["2"]
    assert client.get("/free").headers["x-ratelimit-remaining"] == "46"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Api-Key": "\xff\xfe"},
        {"X-Api-Key": "x" * 200_000},
        {"X-Forwarded-For": "\xff, ,,unknown" * 100, "Accept": "\xff;q=\xff"},
    ],
)
@pytest.mark.parametrize(
    "key", ["ip", "header:x-api-key", lambda request: request.headers.get("X-Api-Key", "\udc80")]
)
def test_hostile_headers_are_no_error(key: Any, headers: dict[str, str]) -> None:
    _, client = limited_app(key=key, trusted_proxies=1)

    assert_limited(lambda: client.get("/limited/ana", headers=headers), limit=2)
