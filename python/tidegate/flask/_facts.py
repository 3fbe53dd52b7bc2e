"""What the application knows of a request, and a gate may want to know: user, route, form."""

from __future__ import annotations

import sys
from typing import Any

import flask
from werkzeug.exceptions import ClientDisconnected

from tidegate.errors import ConfigError
from tidegate.flask._ask import Question

_USER, _ROUTE, _FORM = "tidegate.user", "tidegate.route", "tidegate.form"


def supply(needs: frozenset[str], request: flask.Request, user: Question | None) -> None:
    """Puts what is needed into the environ, where the gate looks for it."""
    environ = request.environ
    if "user" in needs and _USER not in environ:
        environ[_USER] = _user_id(request, user)
    if "route" in needs:
        rule = request.url_rule
        environ[_ROUTE] = None if rule is None else rule.rule
    if "form" in needs and _FORM not in environ:
        environ[_FORM] = _form(request)


def _form(request: flask.Request) -> dict[str, str]:
    try:
        return request.form.to_dict()
    except OSError as error:
        # What some servers raise when the client hangs up: no error of the application.
        raise ClientDisconnected from error


def has_user(app: flask.Flask, user: Question | None) -> bool:
    """Whether somebody can tell who is signed in."""
    return user is not None or hasattr(app, "login_manager")


def _user_id(request: flask.Request, user: Question | None) -> str | None:
    found: Any
    if user is not None:
        found = user.ask(request)
    elif hasattr(flask.current_app, "login_manager"):
        # Loaded, or the application would not have its manager. Asked, never imported.
        current: Any = sys.modules["flask_login"].current_user
        found = current.get_id() if current.is_authenticated else None
    else:
        raise ConfigError(
            'the key "user" needs to know who is signed in: give TideGate(user=...) a callable '
            "that returns the id of the user, or None, or use Flask-Login"
        )
    return None if found is None else str(found)
