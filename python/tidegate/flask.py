"""A refusal inside Flask: an exception that Flask turns into a 429.

Imports Flask. Nothing has to be imported from here: `tidegate.rate_limit` finds this module
when Flask is in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask
from werkzeug.exceptions import TooManyRequests

from tidegate._current import Current
from tidegate._native import Decision, Gate, Refusal
from tidegate.errors import RateLimitExceeded

__all__ = ["HTTPRateLimitExceeded"]


class HTTPRateLimitExceeded(RateLimitExceeded, TooManyRequests):
    """A refused request; `@app.errorhandler` may name 429 or either base."""

    def __init__(self, decision: Decision, refusal: Refusal) -> None:
        response = flask.Response(refusal.body, refusal.status, refusal.headers)
        TooManyRequests.__init__(self, response=response)
        RateLimitExceeded.__init__(self, decision)
        self.code = refusal.status


class _Request(Current):
    def refuse(self, gate: Gate, decision: Decision) -> Any:
        accept = self.request.headers.get("Accept")
        raise HTTPRateLimitExceeded(decision, gate.refusal(decision, accept))


def find(values: Sequence[object]) -> Current | None:  # noqa: ARG001 - Flask passes none
    """Returns the request that Flask is serving in this context."""
    if not flask.has_request_context():
        return None
    # The request itself, not the proxy that would mean another one in another context.
    proxy: Any = flask.request
    request = proxy._get_current_object()
    return _Request(request, environ=request.environ)
