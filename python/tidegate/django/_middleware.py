"""The middleware: the limits of the setting, and header fields on every response.

The application-wide limit is asked before any other middleware works, unless it needs to know
the view or the user; then, and for `default`, it is asked once Django has found the view. What
never gets to a view, such as a 404 or a redirect, is counted by the application-wide limit on
its way out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tidegate._native import Decision
from tidegate.django._breach import arefuse, refuse
from tidegate.django._door import Door
from tidegate.django._keys import route_of
from tidegate.django._marks import has_limit, is_exempt
from tidegate.django._request import running
from tidegate.django._settle import asettle, settle
from tidegate.django._state import State, current_state
from tidegate.django._turn import Turn
from tidegate.errors import RateLimitExceeded

Response = HttpResponseBase


class TideGateMiddleware:
    """Refuses what is over a limit of the setting TIDEGATE with a 429.

    Put it first in MIDDLEWARE: then the header fields stand on every response, whoever makes it.
    Serves under WSGI and ASGI; on an event loop it never waits for a store but by `await`.

    `request.tidegate` is the decision that binds most, or `None` where nothing limits.

    Raises:
        ConfigError: the setting is wrong; when the server starts.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        current_state()
        self._is_async = iscoroutinefunction(get_response)
        self.process_view: Callable[..., Response | Awaitable[Response | None] | None]
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view = self._aprocess_view
        else:
            self.process_view = self._process_view

    def __call__(self, request: HttpRequest) -> Any:
        """Serves one request."""
        if self._is_async:
            return self._acall(request)
        state, turn = current_state(), Turn.of(request)
        if turn.has_middleware or not state.settings.enabled:
            return self.get_response(request)
        turn.has_middleware = True
        token = running.set(request)
        try:
            response = _ask(_at_the_door(state, request, turn), request)
            if response is None:
                response = self.get_response(request)
                # What got to no view is counted now.
                response = _ask(_on_the_way_out(state, request, turn), request) or response
        except BaseException as error:
            for door, decision in turn.settles:
                door.settle(decision, error)
            raise
        finally:
            running.reset(token)
        for door, decision in turn.settles:
            settle(door, decision, response)
        turn.write_fields(response, state.headers)
        return response

    async def _acall(self, request: HttpRequest) -> Response:
        state, turn = current_state(), Turn.of(request)
        if turn.has_middleware or not state.settings.enabled:
            unlimited: Response = await self.get_response(request)
            return unlimited
        turn.has_middleware = True
        token = running.set(request)
        try:
            response = await _aask(_at_the_door(state, request, turn), request)
            if response is None:
                passed: Response = await self.get_response(request)
                doors = _on_the_way_out(state, request, turn)
                response = await _aask(doors, request) or passed
        except BaseException as error:
            for door, decision in turn.settles:
                await door.asettle(decision, error)
            raise
        finally:
            running.reset(token)
        for door, decision in turn.settles:
            await asettle(door, decision, response)
        turn.write_fields(response, state.headers)
        return response

    def _process_view(self, request: HttpRequest, view: object, *_: object) -> Response | None:
        return _ask(_at_the_view(request, view), request)

    async def _aprocess_view(
        self, request: HttpRequest, view: object, *_: object
    ) -> Response | None:
        return await _aask(_at_the_view(request, view), request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> Response | None:
        """Answers with a 429 what a limited function below a view has raised."""
        if not isinstance(exception, RateLimitExceeded):
            return None
        Turn.of(request).note(request, exception.decision, None)
        return refuse(current_state().plain.gate, exception.decision, request)


def _at_the_door(state: State, request: HttpRequest, turn: Turn) -> Sequence[Door]:
    if state.settings.exempt.frees_path(request.path_info):
        turn.is_free = turn.is_decided = True
    if state.application is None:
        turn.is_decided = True
    if turn.is_decided or not state.decides_early:
        return ()
    return _on_the_way_out(state, request, turn)


def _at_the_view(request: HttpRequest, view: object) -> Sequence[Door]:
    state, turn = current_state(), Turn.of(request)
    if turn.has_view or turn.is_free or not state.settings.enabled:
        return ()
    turn.has_view = True
    method = request.method or "GET"
    if is_exempt(view, method) or state.settings.exempt.frees_view(request.resolver_match):
        turn.is_free = turn.is_decided = True
        return ()
    doors = list(_on_the_way_out(state, request, turn))
    if state.settings.default is not None and not has_limit(view, method):
        doors.append(state.of_route(route_of(request) or "/"))
    return [door for door in doors if door.counts(request)]


def _on_the_way_out(state: State, request: HttpRequest, turn: Turn) -> Sequence[Door]:
    if turn.is_decided or state.application is None:
        return ()
    turn.is_decided = True
    return (state.application,) if state.application.counts(request) else ()


def _ask(doors: Sequence[Door], request: HttpRequest) -> Response | None:
    for door in doors:
        decision = door.decide(request, request)
        if not _passed(door, decision, request):
            return refuse(door.gate, decision, request)
        if decision.delay:
            time.sleep(decision.delay)
    return None


async def _aask(doors: Sequence[Door], request: HttpRequest) -> Response | None:
    for door in doors:
        decision = await door.adecide(request, request)
        if not _passed(door, decision, request):
            return await arefuse(door.gate, decision, request)
        if decision.delay:
            await asyncio.sleep(decision.delay)
    return None


def _passed(door: Door, decision: Decision, request: HttpRequest) -> bool:
    turn = Turn.of(request)
    turn.note(request, decision, door.headers)
    if decision and door.settles:
        turn.settles.append((door, decision))
    return bool(decision)
