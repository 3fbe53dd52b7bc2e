"""A refusal inside Django: a response with status 429.

Imports Django. Nothing has to be imported from here: `tidegate.rate_limit` finds this module
when Django is in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from tidegate._current import Current
from tidegate._native import Decision, Gate

__all__: list[str] = []


class _Request(Current):
    def refuse(self, gate: Gate, decision: Decision) -> Any:
        # Returned, not raised: Django knows no exception that means 429.
        refusal = gate.refusal(decision, self.request.META.get("HTTP_ACCEPT"))
        return HttpResponse(refusal.body, status=refusal.status, headers=dict(refusal.headers))


def find(values: Sequence[object]) -> Current | None:
    """Returns the Django request among `values`."""
    for value in values:
        if isinstance(value, HttpRequest):
            scope = getattr(value, "scope", None)
            return _Request(value, scope=scope, environ=None if scope else value.META)
    return None
