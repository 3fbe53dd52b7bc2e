"""A refusal inside Flask: an exception that Flask turns into a response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import flask
from werkzeug.exceptions import TooManyRequests

from tidegate._breach import Answer, answer, ask
from tidegate._current import Current
from tidegate._native import Decision, Gate, Refusal
from tidegate.errors import RateLimitExceeded

_TOO_MANY_REQUESTS = 429


class HTTPRateLimitExceeded(RateLimitExceeded, TooManyRequests):
    """A refused request; `@app.errorhandler` may name 429 or either base."""

    def __init__(self, decision: Decision, refusal: Refusal | Answer) -> None:
        response = flask.Response(refusal.body, refusal.status, refusal.headers)
        TooManyRequests.__init__(self, response=response)
        RateLimitExceeded.__init__(self, decision)
        self.code = refusal.status


class AnsweredRefusal(RateLimitExceeded, TooManyRequests):
    """A refused request that `on_breach` has answered: no error handler is asked any more."""

    def __init__(self, decision: Decision, answer: Any) -> None:
        TooManyRequests.__init__(self, response=_response(answer))
        RateLimitExceeded.__init__(self, decision)
        # Flask returns the response of an exception without a code as it is.
        self.code: Any = None


class _Request(Current):
    def refuse(self, gate: Gate, decision: Decision) -> Any:
        told = ask(gate, self.request, decision)
        if told is not None:
            raise AnsweredRefusal(decision, told)
        raise HTTPRateLimitExceeded(decision, usual(gate, decision, self.request))


def usual(gate: Gate, decision: Decision, request: flask.Request) -> Answer:
    """What answers a refusal when nobody has an answer of their own."""
    made = answer(gate, decision, None, request.headers.get("Accept"))
    assert isinstance(made, Answer)  # the other kind is what a callback told
    return made


def find(values: Sequence[object]) -> Current | None:  # noqa: ARG001 - Flask passes none
    """Returns the request that Flask is serving in this context."""
    if not flask.has_request_context():
        return None
    request = running_request()
    return _Request(request, environ=request.environ)


def running_environ() -> dict[str, Any] | None:
    """The environ of the request that Flask is serving in this context."""
    return running_request().environ if flask.has_request_context() else None


def running_request() -> flask.Request:
    """The request itself, not the proxy that would mean another one in another context."""
    proxy: Any = flask.request
    request: flask.Request = proxy._get_current_object()
    return request


def running_app() -> flask.Flask:
    """The application itself."""
    proxy: Any = flask.current_app
    app: flask.Flask = proxy._get_current_object()
    return app


def _response(answer: Any) -> flask.Response:
    """The response for what `on_breach` returned; a 429 unless it says otherwise."""
    if isinstance(answer, flask.Response):
        return answer
    parts: tuple[Any, ...] = (
        cast("Any", answer) if isinstance(answer, tuple) else (answer, _TOO_MANY_REQUESTS)
    )
    response = flask.make_response(parts)
    says_type = any(str(name).lower() == "content-type" for name, _ in _fields(parts))
    if isinstance(parts[0], (str, bytes)) and not says_type:
        response.mimetype = "text/plain"
    return response


def _fields(answer: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    fields: Any = answer[-1]  # of two parts, the second may be the fields too
    if isinstance(fields, int) or len(answer) == 1:
        return []
    return list(fields.items() if hasattr(fields, "items") else fields)
