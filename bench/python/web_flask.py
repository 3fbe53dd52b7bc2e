"""One Flask application: bare, behind tidegate, and behind Flask-Limiter."""

from flask import Flask
from flask_limiter import Limiter  # type: ignore[import-not-found]
from flask_limiter.util import get_remote_address  # type: ignore[import-not-found]

from tidegate import protect_app
from tidegate.flask import TideGate


def bare() -> Flask:
    """Returns the application alone."""
    app = Flask(__name__)

    @app.get("/")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


def with_idle_hooks() -> Flask:
    """Returns it with the two hooks that any Flask extension needs, doing nothing."""
    app = bare()
    app.before_request(lambda: None)
    app.after_request(lambda response: response)
    return app


def protected(limit: str) -> Flask:
    """Returns it behind `protect_app`, counting addresses."""
    return protect_app(bare(), limit, per_ip=True)


def extension(limit: str) -> Flask:
    """Returns it behind the extension, counting addresses."""
    app = bare()
    TideGate(app, limit, per_ip=True)
    return app


def flask_limiter(limit: str) -> Flask:
    """Returns it behind Flask-Limiter with its default strategy, with header fields."""
    app = bare()
    Limiter(
        get_remote_address,
        app=app,
        default_limits=[limit],
        storage_uri="memory://",
        headers_enabled=True,
    )
    return app
