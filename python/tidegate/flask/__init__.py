"""Limits for a Flask application: the extension, and what a refusal is inside Flask.

    gate = TideGate(app, "1000/minute", default="60/minute", key="ip")

    @app.post("/login")
    @gate.limit("5/minute")
    def login() -> str: ...

Imports Flask 2.2 or later. The extension decides in a `before_request` hook of its own, so
what is over a limit runs no view; a refusal is an exception, so `errorhandler(429)` sees it.
Outside a request nothing is counted: `tidegate.rate_limit` limits such calls too.
"""

from tidegate.flask._extension import TideGate
from tidegate.flask._refusal import HTTPRateLimitExceeded, find, running_environ
from tidegate.flask._turn import current_decision

__all__ = ["HTTPRateLimitExceeded", "TideGate", "current_decision", "find", "running_environ"]
