"""The Flask application that real servers serve in `test_flask_servers`.

Everything is decorated before any application is known, as in a project with a factory. Each
client address has its own counts, so tests that come from different addresses do not meet.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, abort, g, redirect, render_template_string, request
from flask.views import MethodView, View

from tests.frameworks.apps import parts
from tidegate import RateLimitExceeded
from tidegate.flask import TideGate, current_decision

HERE = Path(__file__).parent

gate = TideGate(key="ip", user=lambda request: request.headers.get("X-User"))

site = Blueprint("site", __name__)
api = Blueprint(
    "api", __name__, url_prefix="/api", static_folder=str(HERE), static_url_path="/static"
)
v1 = Blueprint("v1", __name__, url_prefix="/v1")
health = Blueprint("health", __name__, url_prefix="/health")
deep = Blueprint("deep", __name__, url_prefix="/deep")


@site.get("/free")
def free() -> str:
    return "free"


@site.route("/own", methods=["GET", "POST"])
@gate.limit("3/hour")
def own() -> str:
    return "own"


@site.get("/shared/a")
@gate.shared_limit("3/hour", scope="shared")
def shared_a() -> str:
    return "a"


@site.get("/shared/b")
@gate.shared_limit("3/hour", scope="shared")
def shared_b() -> str:
    return "b"


@site.get("/exempt")
@gate.exempt
def exempt() -> str:
    return "exempt"


@site.get("/async")
@gate.limit("3/hour")
async def asynchronous() -> str:
    return "async"


@site.get("/stream")
@gate.limit("3/hour")
def stream() -> Iterator[bytes]:
    return parts()


@site.get("/broken")
def broken() -> str:
    raise KeyError("mine")


@site.get("/aborted")
def aborted() -> str:
    abort(503)


@site.get("/redirect")
def redirected() -> Any:
    return redirect("/free")


@site.get("/user")
@gate.limit("3/hour", key="user")
def user() -> str:
    return "user"


def tenant_of() -> str:
    return request.headers.get("X-Tenant") or abort(401)


@site.get("/tenant")
@gate.limit("3/hour", key=tenant_of)
def tenant() -> str:
    return "tenant"


def no_key() -> str:
    return str(1 // 0)


@site.get("/keyless")
@gate.limit("3/hour", key=no_key)
def keyless() -> str:
    raise AssertionError("never served")


@site.get("/password")
@gate.limit("5/hour", charge_on="401", key="user")
def password() -> tuple[str, int]:
    return ("welcome", 200) if request.args["password"] == "right" else ("wrong", 401)


@site.get("/breach")
@gate.limit("3/hour", on_breach=lambda _, decision: ({"wait": decision.retry_after}, 420))
def breach() -> str:
    return "breach"


@site.get("/handled")
@gate.limit("3/hour")
def handled() -> str:
    return "handled"


@site.get("/left")
def left() -> str:
    seen = current_decision()
    assert seen is g.tidegate
    return render_template_string("{{ g.tidegate.remaining }} of {{ g.tidegate.limit }}")


class Decorated(View):
    decorators = [gate.limit("3/hour")]  # noqa: RUF012 - as Flask's documents have it

    def dispatch_request(self) -> str:
        return "decorated"


@gate.limit("3/hour")
class Whole(MethodView):
    def get(self) -> str:
        return "whole"

    def post(self) -> str:
        return "whole"


class Single(MethodView):
    @gate.limit("2/hour")
    def get(self) -> str:
        return "single"

    def post(self) -> str:
        return "single"


site.add_url_rule("/class/decorated", view_func=Decorated.as_view("decorated"))
site.add_url_rule("/class/whole", view_func=Whole.as_view("whole"))
site.add_url_rule("/class/single", view_func=Single.as_view("single"))

gate.limit("3/hour")(api)


@api.get("/one")
def one() -> str:
    return "one"


@v1.get("/two/<int:number>")
def two(number: int) -> str:
    return f"two {number}"


@v1.get("/tight")
@gate.limit("2/hour")
def tight() -> str:
    return "tight"


gate.exempt(health)


@deep.get("/alive")
def alive() -> str:
    return "alive"


@gate.request_filter
def is_probe() -> bool:
    return request.headers.get("X-Probe") == "1"


def hostile() -> Flask:
    """Limits by whatever a client can make up, 2 an hour each."""
    app = Flask(__name__)
    options: Any = {"override_defaults": False}
    strict = TideGate(app, "2/hour", key="path", on_store_error="closed")

    @app.post("/body")
    @strict.limit("2/hour", key="ip", **options)
    def body() -> str:
        return "body"

    @app.get("/header")
    @strict.exempt
    @strict.limit("2/hour", key="header:x-api-key")
    def header() -> str:
        return "header"

    @app.get("/<path:rest>")
    @strict.limit("2/hour", key=lambda request: request.path, **options)
    def rest(rest: str) -> str:
        return str(len(rest))

    return app


def everything() -> Flask:
    """Every feature, with 30 an hour for the whole application, and 4 by default."""
    app = Flask(__name__, static_folder=str(HERE), static_url_path="/static")
    app.config.update(TIDEGATE_LIMIT="30/hour", TIDEGATE_DEFAULT="4/hour")
    gate.init_app(app)
    api.register_blueprint(v1)
    health.register_blueprint(deep)
    for blueprint in (site, api, health):
        app.register_blueprint(blueprint)

    @app.errorhandler(RateLimitExceeded)
    def sorry(error: RateLimitExceeded) -> Any:
        if request.path == "/handled":
            return {"handled": error.decision.rule}, 429
        return error

    return app
