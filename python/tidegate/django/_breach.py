"""The response to a refused request: the usual one, or what the user's `on_breach` answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase

from tidegate._keys import is_async, name_of
from tidegate._native import Decision
from tidegate.django._door import Door
from tidegate.django._request import refusal_of
from tidegate.errors import ConfigTypeError, shorten

# What a body in another form has to say anew.
_DESCRIBES_BODY = ("content-type", "content-length")


def refuse(door: Door, decision: Decision, request: HttpRequest) -> HttpResponseBase:
    """Answers a refused request."""
    if door.on_breach is None:
        return refusal_of(door.gate, decision, request)
    function: Any = door.on_breach
    if is_async(function) or iscoroutinefunction(function):
        function = async_to_sync(function)
    return _response(door, decision, request, function(request, decision))


async def arefuse(door: Door, decision: Decision, request: HttpRequest) -> HttpResponseBase:
    """Answers as `refuse` does, and awaits an async `on_breach`."""
    if door.on_breach is None:
        return refusal_of(door.gate, decision, request)
    answer = door.on_breach(request, decision)
    if hasattr(answer, "__await__"):
        answer = await answer
    return _response(door, decision, request, answer)


def _response(
    door: Door, decision: Decision, request: HttpRequest, answer: object
) -> HttpResponseBase:
    usual = refusal_of(door.gate, decision, request)
    if answer is None:
        return usual
    response = _of_answer(answer, door, usual.status_code)
    for name, value in usual.headers.items():
        if name.lower() not in _DESCRIBES_BODY and name not in response.headers:
            response.headers[name] = value
    return response


def _of_answer(answer: Any, door: Door, status: int) -> HttpResponseBase:
    if isinstance(answer, HttpResponseBase):
        return answer
    parts: tuple[Any, ...] = answer if isinstance(answer, tuple) else ()
    if 2 <= len(parts) <= 3 and isinstance(parts[1], int):
        response = _of_answer(parts[0], door, parts[1])
        headers: Mapping[str, object] = parts[2] if len(parts) == 3 else {}
        for name, value in headers.items():
            response.headers[name] = str(value)
        return response
    if isinstance(answer, str | bytes):
        return HttpResponse(answer, status=status, content_type="text/plain; charset=utf-8")
    if isinstance(answer, dict | list):
        return JsonResponse(answer, status=status, safe=False)
    raise ConfigTypeError(
        f"`on_breach` {name_of(door.on_breach)} must return a response, text, a dict, a list, "
        f"(body, status), (body, status, headers) or None, got {shorten(cast('object', answer))}"
    )
