"""A small shop in Flask, with limits where a shop needs them.

flask --app examples.flask_app run
flask --app examples.flask_app tidegate limits
python -m examples.flask_app        # asks itself, and prints what is refused
"""

from flask import Blueprint, Flask, Response, g, jsonify, render_template_string, request
from flask.typing import ResponseReturnValue

from tidegate import RateLimitExceeded
from tidegate.flask import TideGate

gate = TideGate(key="ip", default="60/minute")
site = Blueprint("site", __name__)
api = Blueprint("api", __name__, url_prefix="/api")
health = Blueprint("health", __name__, url_prefix="/health")

# Each route of the API has this, unless it says otherwise; health checks are never limited.
gate.limit("30/minute", key="header:x-api-key")(api)
gate.exempt(health)

PLANS = {"gold": "1000/hour", "free": "5/hour"}


def plan(of: str | None) -> str:
    """The limit of a customer's plan."""
    return PLANS.get(of or "free", PLANS["free"])


@site.get("/")
def index() -> str:
    """A page that says how many requests are left."""
    return render_template_string("{{ g.tidegate.remaining }} requests left this minute")


@site.post("/login")
@gate.limit("3/minute; 20/hour")
def login() -> str:
    """Guessing passwords is slow here."""
    return f"welcome, {request.form.get('name', 'stranger')}"


@api.get("/items/<int:number>")
def item(number: int) -> Response:
    """One count for all items, for each API key."""
    return jsonify(number=number, left=g.tidegate.remaining)


@api.get("/report")
@gate.limit(lambda: plan(request.headers.get("X-Plan")), key="header:x-api-key", cost=5)
def report() -> str:
    """Costs five units, of as many as the customer's plan has."""
    return "report"


@health.get("/alive")
def alive() -> str:
    """For the load balancer."""
    return "yes"


def create_app() -> Flask:
    """The application; `TIDEGATE_…` of its configuration may change what is said above."""
    app = Flask(__name__)
    app.config.from_prefixed_env()
    gate.init_app(app)
    for blueprint in (site, api, health):
        app.register_blueprint(blueprint)

    @app.errorhandler(RateLimitExceeded)
    def slow_down(error: RateLimitExceeded) -> ResponseReturnValue:
        if request.path.startswith("/api/"):
            return {"error": "slow down", "wait": round(error.decision.retry_after)}, 429
        return f"Too fast: try again in {error.decision.retry_after:.0f} seconds.", 429

    return app


def main() -> None:
    """Asks each route until it refuses."""
    client = create_app().test_client()
    for method, path in (
        *(("GET", "/"), ("POST", "/login"), ("GET", "/api/items/7"), ("GET", "/api/report")),
        ("GET", "/health/alive"),
    ):
        admitted = 0
        while admitted < 100:
            response = client.open(path, method=method)
            if response.status_code == 429:
                break
            admitted += 1
        print(f"{method} {path}: {admitted} of 100 admitted; {response.text.strip()}")


if __name__ == "__main__":
    main()
