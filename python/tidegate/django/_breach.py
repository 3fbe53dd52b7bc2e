"""The response to a refused request: the usual one, a template's, or what `on_breach` answers."""

from __future__ import annotations

from inspect import iscoroutine
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from tidegate._breach import Answer, Own, aanswer, answer, ask
from tidegate._keys import name_of
from tidegate._native import Decision, Gate
from tidegate.django._turn import Turn
from tidegate.errors import ConfigError, shorten


def refuse(gate: Gate, decision: Decision, request: Any) -> HttpResponseBase:
    """Answers a refused request."""
    told = returned(ask(gate, request, decision))
    profile = Turn.profile_around(request)
    return _response(gate, answer(gate, decision, told, _accept(request), profile))


async def arefuse(gate: Gate, decision: Decision, request: Any) -> HttpResponseBase:
    """Answers as `refuse` does, and awaits an async `on_breach`."""
    profile = Turn.profile_around(request)
    return _response(gate, await aanswer(gate, request, decision, _accept(request), profile))


def returned(value: Any) -> Any:
    """What a callable returned, in a thread: a coroutine's end, on a loop of its own."""
    return async_to_sync(_awaited)(value) if iscoroutine(value) else value


async def _awaited(value: Any) -> Any:
    return await value


def _accept(request: Any) -> str | None:
    accept: str | None = request.META.get("HTTP_ACCEPT")
    return accept


def _response(gate: Gate, made: Answer | Own) -> HttpResponseBase:
    if isinstance(made, Answer):
        return HttpResponse(made.body, status=made.status, headers=dict(made.headers))
    if isinstance(made.response, HttpResponseBase):
        return made.response
    raise ConfigError(
        f"on_breach {name_of(gate.on_breach)} must return a response, text, bytes, a dict, "
        f"(body, status), (body, status, headers) or None, got {shorten(made.response)}"
    )
