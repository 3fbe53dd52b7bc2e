"""tidegate in Starlette and FastAPI: limits for routes, and refusals that their handlers know.

`TideGate(app)` is the application-level helper; `tidegate.fastapi` adds what only FastAPI has.
`tidegate.rate_limit` needs nothing from here: it finds this module when Starlette is in use.
"""

from __future__ import annotations

from tidegate.starlette._extension import TideGate
from tidegate.starlette._facts import note_facts
from tidegate.starlette._order import checked
from tidegate.starlette._refusal import (
    HTTPRateLimitExceeded,
    WebSocketRateLimitExceeded,
    exception,
    find,
    from_scope,
)
from tidegate.starlette._routes import route_of

__all__ = [
    "HTTPRateLimitExceeded",
    "TideGate",
    "WebSocketRateLimitExceeded",
    "checked",
    "exception",
    "find",
    "from_scope",
    "note_facts",
    "route_of",
]
