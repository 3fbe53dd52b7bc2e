"""tidegate in FastAPI: `Depends(RateLimit(...))`, `TideGate(app)`, and the OpenAPI document.

Everything of `tidegate.starlette` works here too.
"""

from tidegate.fastapi._dependency import RateLimit
from tidegate.fastapi._document import document, responses
from tidegate.fastapi._extension import TideGate
from tidegate.starlette import HTTPRateLimitExceeded, WebSocketRateLimitExceeded, route_of

__all__ = [
    "HTTPRateLimitExceeded",
    "RateLimit",
    "TideGate",
    "WebSocketRateLimitExceeded",
    "document",
    "responses",
    "route_of",
]
