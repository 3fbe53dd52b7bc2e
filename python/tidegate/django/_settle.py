"""What became of a request, told to the gates that want to know."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404
from django.http.response import HttpResponseBase

from tidegate._native import Decision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.django._door import Door

_STATUSES: list[tuple[type[Exception], int]] = [
    (Http404, 404),
    (PermissionDenied, 403),
    (SuspiciousOperation, 400),
    (BadRequest, 400),
]


def status_of(error: BaseException) -> int | None:
    """The status of the response that Django makes of an exception; `None` for its 500."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), None)


def settle(door: Door, decision: Decision, response: HttpResponseBase) -> None:
    """Settles now, or once a streamed response has been sent."""
    if decision and door.settles and not _after_body(door, decision, response):
        door.settle(decision, response)


async def asettle(door: Door, decision: Decision, response: HttpResponseBase) -> None:
    """Settles as `settle` does, and never blocks the event loop."""
    if decision and door.settles and not _after_body(door, decision, response):
        await door.asettle(decision, response)


def _after_body(door: Door, decision: Decision, response: Any) -> bool:
    if not getattr(response, "streaming", False):
        return False
    # Django calls these when the server is done with the response, however that came.
    response._resource_closers.append(partial(door.settle, decision, response))
    return True
