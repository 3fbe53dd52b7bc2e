"""Makes sure that an answer of `on_breach` becomes the response, in whichever application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.middleware.exceptions import ExceptionMiddleware

from tidegate.starlette._limit import BreachAnswered, respond


def will_be_answered(scope: Mapping[str, Any]) -> None:
    """Tells the handlers of exceptions around a request about `BreachAnswered`.

    `TideGate(app)` tells its application at once; a dependency may be used without one.
    """
    noted: Any = scope.get("starlette.exception_handlers")
    if noted is not None:
        noted[0].setdefault(BreachAnswered, respond)
        return
    # Starlette before 0.28 keeps them to itself.
    layer: Any = getattr(scope.get("app"), "middleware_stack", None)
    while layer is not None:
        if isinstance(layer, ExceptionMiddleware):
            layer.add_exception_handler(BreachAnswered, respond)
            return
        layer = getattr(layer, "app", None) or getattr(layer, "_stack", None)
