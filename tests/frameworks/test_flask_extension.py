"""The Flask extension: applications, factories, several extensions, and setups that are errors."""

from importlib import import_module
from typing import Any

import pytest
from flask import Blueprint, Flask, jsonify, request
from flask.views import MethodView

from tidegate import ConfigError, Gate, RateLimitExceeded, Rule, protect_app
from tidegate.flask import TideGate, current_decision
from tidegate.testing import Clock, assert_limited, disabled
from tidegate.wsgi import TideGateMiddleware


def hello() -> str:
    return "hello"


def ask(app: Flask, path: str = "/", method: str = "GET", **options: Any) -> Any:
    return app.test_client().open(path, method=method, **options)


def test_one_extension_serves_several_applications_each_with_its_own_counts() -> None:
    gate = TideGate(default="2/minute", clock=Clock())
    limited = gate.limit("1/minute")(hello)
    apps = [Flask("first"), Flask("second")]
    for app in apps:
        gate.init_app(app)
        app.add_url_rule("/own", view_func=limited)
        app.add_url_rule("/", view_func=hello, endpoint="default")

    for app in apps:
        assert_limited(lambda app=app: ask(app, "/own"), limit=1)  # type: ignore[misc]
        assert_limited(lambda app=app: ask(app), limit=2)  # type: ignore[misc]


def test_extensions_of_one_application_are_independent_and_the_tightest_shows() -> None:
    app = Flask("test")
    wide = TideGate(app, "5/minute", clock=Clock())
    narrow = TideGate(app, clock=Clock(), default="3/minute")
    app.add_url_rule("/exempt", view_func=narrow.exempt(lambda: "free"), endpoint="exempt")
    app.add_url_rule("/", view_func=hello)

    assert ask(app).headers.getlist("X-RateLimit-Limit") == ["3"]
    assert_limited(lambda: ask(app), limit=2)
    # The wide one has counted all four; what is exempt from the narrow one, it counts as well.
    assert ask(app, "/exempt").headers["X-RateLimit-Remaining"] == "0"
    assert ask(app, "/exempt").status_code == 429
    assert app.extensions["tidegate"] == [wide, narrow]


def test_a_gate_of_ones_own_is_the_application_wide_limit() -> None:
    rules = [Rule("all", "4/minute"), Rule("each", "2/minute", key="header:x-api-key")]
    app = Flask("test")
    TideGate(app, gate=Gate(rules, clock=Clock()), default="9/minute")
    app.add_url_rule("/", view_func=hello)

    assert_limited(lambda: ask(app, headers={"X-Api-Key": "ana"}), limit=2)
    assert_limited(lambda: ask(app, headers={"X-Api-Key": "bob"}), limit=2)


@pytest.mark.parametrize("options", [{}, {"charge_on": "2xx"}])
def test_a_gate_that_stands_around_the_application_too_counts_once(options: Any) -> None:
    gate = Gate([Rule("all", "3/minute", **options)], clock=Clock())
    app = Flask("test")
    TideGate(app, gate=gate)
    app.wsgi_app = TideGateMiddleware(app.wsgi_app, gate=gate)  # type: ignore[method-assign]
    app.add_url_rule("/", view_func=hello)

    assert_limited(lambda: ask(app), limit=3)


def test_a_gate_of_ones_own_may_have_key_callables() -> None:
    rule = Rule("each", "1/minute", key=lambda request: request.args["user"])
    app = Flask("test")
    TideGate(app, gate=Gate([rule], clock=Clock()))
    app.add_url_rule("/", view_func=hello)

    assert_limited(lambda: ask(app, "/?user=ana"), limit=1)
    assert_limited(lambda: ask(app, "/?user=bob"), limit=1)


@pytest.mark.parametrize("kind", [429, RateLimitExceeded])
@pytest.mark.parametrize("path", ["/application", "/missing", "/route", "/function"])
def test_an_error_handler_answers_every_refusal(kind: Any, path: str) -> None:
    app = Flask("test")
    gate = TideGate(app, "0/minute" if path in ("/application", "/missing") else None)

    @app.errorhandler(kind)
    def sorry(error: RateLimitExceeded) -> Any:
        return jsonify(rule=error.decision.rule), 429

    app.add_url_rule("/application", view_func=hello)
    app.add_url_rule("/route", view_func=gate.limit("0/minute")(hello), endpoint="route")
    inner = gate.limit("0/minute")(hello)
    app.add_url_rule("/function", view_func=lambda: inner() + "", endpoint="function")

    refused = ask(app, path)

    rules = {"/route": "route", "/function": f"{__name__}.hello 2"}
    assert refused.status_code == 429
    assert refused.json == {"rule": rules.get(path, "application")}
    assert refused.headers["X-RateLimit-Limit"] == "0"


def test_hooks_run_after_a_refusal_and_the_view_does_not() -> None:
    app = Flask("test")
    gate = TideGate(app)
    runs: list[str] = []

    @app.after_request
    def mark(response: Any) -> Any:
        response.headers["x-mark"] = "1"
        return response

    @app.get("/")
    @gate.limit("0/minute")
    def view() -> str:
        runs.append("view")
        return "view"

    assert ask(app).headers["x-mark"] == "1"
    assert runs == []


def test_a_function_below_a_view_counts_each_call_and_nothing_outside_a_request() -> None:
    app = Flask("test")
    gate = TideGate(app, clock=Clock())
    limited = gate.limit("5/minute")(hello)
    app.add_url_rule("/", view_func=lambda: limited() + limited(), endpoint="twice")

    assert [limited() for _ in range(9)] == ["hello"] * 9
    assert_limited(lambda: ask(app), limit=2)


def test_protect_app_around_the_extension_counts_apart() -> None:
    app = Flask("test")
    TideGate(app, default="2/minute", clock=Clock())
    protect_app(app, "9/minute", clock=Clock(), trusted_proxies=1)
    app.add_url_rule("/", view_func=hello)

    refused = assert_limited(lambda: ask(app), limit=2)

    assert refused.headers.getlist("X-RateLimit-Limit") == ["2"]  # type: ignore[union-attr]


def test_whom_protect_app_trusts_the_extension_trusts_too() -> None:
    app = Flask("test")
    TideGate(app, default="1/minute", key="ip", clock=Clock())
    protect_app(app, "99/minute", trusted_proxies=1)
    app.add_url_rule("/", view_func=hello)

    for client in ("198.51.100.1", "198.51.100.2"):
        fields = {"X-Forwarded-For": client}
        assert_limited(lambda fields=fields: ask(app, headers=fields), limit=1)  # type: ignore[misc]


def test_a_forged_address_is_not_believed() -> None:
    app = Flask("test")
    TideGate(app, default="1/minute", key="ip", clock=Clock())
    app.add_url_rule("/", view_func=hello)

    assert ask(app, headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 200
    assert ask(app, headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 429


def test_the_current_decision_is_the_most_binding_and_none_outside() -> None:
    app = Flask("test")
    gate = TideGate(app, "9/minute", clock=Clock())
    seen: list[Any] = []

    @app.get("/")
    @gate.limit("3/minute")
    def view() -> str:
        seen.append(current_decision())
        return "view"

    ask(app)

    assert [(decision.rule, decision.remaining) for decision in seen] == [("view", 2)]
    assert current_decision() is None


def test_limits_can_be_switched_off_for_a_test() -> None:
    app = Flask("test")
    TideGate(app, "0/minute")
    app.add_url_rule("/", view_func=hello)

    with disabled():
        assert ask(app).status_code == 200
    assert ask(app).status_code == 429


def test_flask_login_tells_the_user() -> None:
    login: Any = import_module("flask_login")

    class User(login.UserMixin):  # type: ignore[misc]
        id = "ana"

    app = Flask("test")
    manager = login.LoginManager(app)
    manager.request_loader(lambda request: User() if "ana" in request.args else None)
    gate = TideGate(app, clock=Clock(), key="user")
    app.add_url_rule("/", view_func=gate.limit("2/minute")(lambda: "user"), endpoint="user")

    for query, address in (("?ana", "192.0.2.1"), ("?ana", "192.0.2.2")):
        assert ask(app, f"/{query}", environ_base={"REMOTE_ADDR": address}).status_code == 200
    assert ask(app, "/?ana", environ_base={"REMOTE_ADDR": "192.0.2.3"}).status_code == 429
    assert ask(app, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200


def test_nobody_who_tells_the_user_is_an_error_that_says_what_is_missing() -> None:
    app = Flask("test")
    app.testing = True
    TideGate(app, "5/minute", key="user")
    app.add_url_rule("/", view_func=hello)

    with pytest.raises(ConfigError, match=r"TideGate\(user=\.\.\.\).*Flask-Login"):
        ask(app)


def test_an_application_without_the_extension_says_so() -> None:
    gate = TideGate(default="9/minute")
    part = gate.limit("1/minute")(Blueprint("part", __name__))
    part.add_url_rule("/part", view_func=lambda: "part", endpoint="part")

    @gate.limit("1/minute")
    class Items(MethodView):
        def get(self) -> str:
            return "items"

    app = Flask("forgotten")
    app.testing = True
    app.add_url_rule("/", view_func=gate.limit("1/minute")(hello))
    app.add_url_rule("/items", view_func=Items.as_view("items"))
    app.register_blueprint(part)

    for path in ("/", "/items", "/part"):
        with pytest.raises(ConfigError, match="does not limit the application 'forgotten'"):
            ask(app, path)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (
            ["100/minute"],
            {},
            r"needs a Flask application, got '100/minute': the limit comes second",
        ),
        ([Blueprint("part", __name__)], {}, r"limit a blueprint with gate\.limit"),
        ([Flask("a"), "ten"], {}, "ten"),
        ([Flask("b")], {"default": "5/fortnight"}, "fortnight"),
        ([Flask("c")], {"key": "adress"}, "adress"),
        ([Flask("d")], {"defualt": "5/minute"}, "did you mean default?"),
        ([Flask("e"), "5/minute"], {"gate": Gate([Rule("a", "1/minute")])}, "both given"),
        ([Flask("f")], {"gate": "5/minute"}, r"must be a tidegate\.Gate"),
        ([Flask("g")], {"enabled": "no"}, "`enabled` must be True or False"),
        ([Flask("h")], {"user": "ana"}, "`user` must be a callable"),
        ([Flask("i")], {"trusted_proxies": ["nonsense"]}, "nonsense"),
        ([Flask("j")], {"per_ip": True, "key": "ip"}, "both given"),
        ([Flask("k")], {"on_breach": lambda one, two, three: None}, "takes 3 arguments"),
    ],
)
def test_a_wrong_setup_is_an_error_at_once(
    arguments: list[Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        TideGate(*arguments, **options)


def test_an_application_is_limited_once_by_one_extension() -> None:
    app = Flask("test")
    gate = TideGate(app)

    with pytest.raises(ConfigError, match="limits the application 'test' already"):
        gate.init_app(app)


def test_a_filter_frees_a_request_from_everything() -> None:
    app = Flask("test")
    gate = TideGate(app, "0/minute")
    gate.request_filter(lambda: request.args.get("token") == "good")
    inner = gate.limit("0/minute")(hello)
    app.add_url_rule("/", view_func=gate.limit("0/minute")(lambda: inner() + ""), endpoint="view")

    assert ask(app, "/?token=good").status_code == 200
    assert ask(app, "/?token=bad").status_code == 429


def test_a_mounted_application_has_its_own_limits_below_those_around_it() -> None:
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    inner, outer = Flask("inner"), Flask("outer")
    inner.add_url_rule("/", view_func=hello)
    outer.add_url_rule("/", view_func=hello)
    inside = TideGate(inner, default="2/minute", clock=Clock())
    mount: Any = DispatcherMiddleware(outer.wsgi_app, {"/sub": inner})
    outer.wsgi_app = mount  # type: ignore[method-assign]
    TideGate(outer, default="3/minute", clock=Clock())

    refused: Any = assert_limited(lambda: ask(outer, "/sub/"), limit=2)
    assert refused.headers.getlist("X-RateLimit-Limit") == ["2"]
    assert_limited(lambda: ask(outer), limit=3)
    assert inside is not None


def test_a_decorator_that_comes_after_the_first_request_counts_too() -> None:
    app = Flask("test")
    gate = TideGate(app, "2/minute", clock=Clock())
    app.add_url_rule("/", view_func=hello)
    ask(app)

    gate.exempt(app.view_functions["hello"])
    try:
        assert [ask(app).status_code for _ in range(5)] == [200] * 5
    finally:
        del hello.__tidegate_exempt__  # type: ignore[attr-defined]


def test_retry_after_stands_on_refusals_alone() -> None:
    app = Flask("test")
    TideGate(app, default="0/second; 1/minute", clock=Clock())
    app.add_url_rule("/", view_func=lambda: "view", endpoint="view")
    app.register_error_handler(429, lambda error: ("come back", 200))

    response = ask(app)

    assert (response.status_code, response.text) == (200, "come back")
    assert "Retry-After" not in response.headers
    assert response.headers["X-RateLimit-Remaining"] == "0"


def test_a_queue_makes_a_request_wait_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    app = Flask("test")
    TideGate(app, default="leaky_bucket: 60/minute queue 2s", clock=Clock())
    app.add_url_rule("/", view_func=lambda: "view", endpoint="view")

    assert [ask(app).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert waited == [1.0, 2.0]
