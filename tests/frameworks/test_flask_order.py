"""A limit of the Flask extension keeps what it limits as it was, and is found above a route."""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView, View

from tidegate import ConfigError
from tidegate.flask import TideGate
from tidegate.testing import Clock

ABOVE = r"stands above its route, the endpoint '{}' .*put @gate\.limit\(\.\.\.\) below @app\.route"


def hello() -> str:
    return "hello"


def statuses(app: Flask, path: str, count: int) -> list[int]:
    return [app.test_client().get(path).status_code for _ in range(count)]


def test_above_a_route_of_a_known_application_it_is_an_error_at_once() -> None:
    app = Flask("test")
    gate = TideGate(app)

    with pytest.raises(ConfigError, match=ABOVE.format("view")):

        @gate.limit("1/minute")
        @app.get("/")
        def view() -> str:
            return "view"


def test_above_a_route_of_a_blueprint_it_is_an_error_at_the_registration() -> None:
    gate = TideGate()
    part = Blueprint("part", __name__)

    @gate.limit("1/minute")
    @part.get("/")
    def view() -> str:
        return "view"

    app = Flask("test")
    gate.init_app(app)
    with pytest.raises(ConfigError, match=ABOVE.format(r"part\.view")):
        app.register_blueprint(part)


def test_above_a_route_it_is_an_error_at_a_late_init_app() -> None:
    gate = TideGate()
    app = Flask("test")

    @gate.limit("1/minute")
    @app.get("/")
    def view() -> str:
        return "view"

    with pytest.raises(ConfigError, match=ABOVE.format("view")):
        gate.init_app(app)


def test_between_two_routes_of_one_function_it_is_an_error() -> None:
    app = Flask("test")
    gate = TideGate(app)

    with pytest.raises(ConfigError, match=ABOVE.format("low")):

        @app.get("/high", endpoint="high")
        @gate.limit("1/minute")
        @app.get("/low", endpoint="low")
        def view() -> str:
            return "view"


def test_other_decorators_may_stand_above_below_and_between() -> None:
    def other(function: Callable[..., str]) -> Callable[..., str]:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> str:
            return function(*args, **kwargs)

        return wrapper

    app = Flask("test")
    gate = TideGate(app, default="9/minute", clock=Clock())

    @app.get("/")
    @other
    @gate.limit("2/minute")
    @other
    def view() -> str:
        return "view"

    assert statuses(app, "/", 3) == [200, 200, 429]
    assert app.test_client().get("/").headers["X-RateLimit-Limit"] == "2"


def test_a_decorator_that_hides_the_limit_does_not_disarm_it() -> None:
    app = Flask("test")
    gate = TideGate(app, default="9/minute", clock=Clock())
    limited = gate.limit("2/minute")(hello)
    app.add_url_rule("/", "view", lambda: limited() + "")

    assert statuses(app, "/", 3) == [200, 200, 429]


def test_one_function_may_serve_one_route_limited_and_another_not() -> None:
    app = Flask("test")
    gate = TideGate(app, clock=Clock())
    app.add_url_rule("/free", "free", hello)
    app.add_url_rule("/one", "one", gate.limit("1/minute")(hello))
    app.add_url_rule("/two", "two", gate.limit("2/minute")(hello))

    assert statuses(app, "/free", 3) == [200, 200, 200]
    assert statuses(app, "/one", 2) == [200, 429]
    assert statuses(app, "/two", 3) == [200, 200, 429]


def test_exempt_works_above_and_below_a_route_and_on_methods_and_classes() -> None:
    app = Flask("test")
    gate = TideGate(app, "0/minute")

    @gate.exempt
    @app.get("/above")
    def above() -> str:
        return "above"

    @app.get("/below")
    @gate.exempt
    def below() -> str:
        return "below"

    @gate.exempt
    class Whole(View):
        def dispatch_request(self) -> str:
            return "whole"

    class Part(MethodView):
        @gate.exempt
        def get(self) -> str:
            return "part"

        def post(self) -> str:
            return "part"

    app.add_url_rule("/whole", view_func=Whole.as_view("whole"))
    app.add_url_rule("/part", view_func=Part.as_view("part"))
    app.add_url_rule("/partial", "partial", gate.exempt(partial(hello)))

    for path in ("/above", "/below", "/whole", "/part", "/partial"):
        assert statuses(app, path, 1) == [200], path
    assert app.test_client().post("/part").status_code == 429


def test_what_is_exempt_keeps_its_own_limit() -> None:
    app = Flask("test")
    gate = TideGate(app, "0/minute", clock=Clock())
    app.add_url_rule("/", view_func=gate.exempt(gate.limit("1/minute")(hello)))

    assert statuses(app, "/", 2) == [200, 429]


def test_a_subclass_of_a_limited_class_is_limited() -> None:
    app = Flask("test")
    gate = TideGate(app, clock=Clock())

    @gate.limit("1/minute")
    class Base(MethodView):
        def get(self) -> str:
            return "base"

    class Derived(Base):
        decorators = []  # noqa: RUF012 - as Flask has it

    app.add_url_rule("/", view_func=Derived.as_view("derived"))

    assert statuses(app, "/", 2) == [200, 429]


def test_signature_name_and_documents_stay() -> None:
    gate = TideGate()

    def view(name: str, *, page: int = 1) -> str:
        """Shows a page."""
        return name * page

    async def awaited(name: str) -> str:
        return name

    limited = gate.limit("5/minute")(view)

    assert inspect.signature(limited) == inspect.signature(view)
    assert (limited.__name__, limited.__doc__) == ("view", "Shows a page.")
    assert limited("a", page=2) == "aa"
    assert inspect.iscoroutinefunction(gate.limit("5/minute")(awaited))
    part = Blueprint("part", __name__)
    assert gate.limit("5/minute")(part) is part
    assert gate.exempt(view) is view


def test_without_a_limit_it_is_an_error_that_shows_how_to_write_it() -> None:
    app = Flask("test")
    gate = TideGate(app)

    with pytest.raises(ConfigError, match=r'write @gate\.limit\("5/minute"\)'):
        app.add_url_rule("/", view_func=gate.limit(hello))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/login", "needs a view.*got '/login' of type str"),
        (staticmethod(hello), "of type staticmethod"),
        (dict, r"limit\(\) cannot limit the class 'dict'"),
    ],
)
def test_what_cannot_be_limited_is_refused(target: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        TideGate().limit("5/minute")(target)


@pytest.mark.parametrize("target", ["/login", 5, dict])
def test_what_cannot_be_exempt_is_refused(target: Any) -> None:
    with pytest.raises(ConfigError, match=r"exempt\(\) needs a view"):
        TideGate().exempt(target)


def test_a_limit_made_inside_a_request_is_an_error() -> None:
    app = Flask("test")
    app.testing = True
    gate = TideGate(app)
    app.add_url_rule("/", "view", lambda: gate.limit("1/minute")(hello)() + "")

    with pytest.raises(ConfigError, match="is limited inside a request: decorate it where"):
        app.test_client().get("/")
