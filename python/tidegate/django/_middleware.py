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
        if turn.state is not None or not state.settings.enabled:
            return self.get_response(request)
        turn.state = state
        token = running.set(request)
        try:
            response = _ask(_at_the_door(state, request, turn), request, turn)
            if response is None:
                response = self.get_response(request)
                if not turn.is_decided:
                    # It got to no view.
                    response = _ask(_application(state, turn), request, turn) or response
        except BaseException as error:
            for door, decision in turn.settles:
                door.settle(decision, error)
            raise
        finally:
            running.reset(token)
        for door, decision in turn.settles:
            settle(door, decision, response)
        turn.write_fields(response.headers, state.headers)
        return response

    async def _acall(self, request: HttpRequest) -> Response:
        state, turn = current_state(), Turn.of(request)
        if turn.state is not None or not state.settings.enabled:
            unlimited: Response = await self.get_response(request)
            return unlimited
        turn.state = state
        token = running.set(request)
        try:
            response = await _aask(_at_the_door(state, request, turn), request, turn)
            if response is None:
                response = await self.get_response(request)
                if not turn.is_decided:
                    response = await _aask(_application(state, turn), request, turn) or response
        except BaseException as error:
            for door, decision in turn.settles:
                await door.asettle(decision, error)
            raise
        finally:
            running.reset(token)
        for door, decision in turn.settles:
            await asettle(door, decision, response)
        turn.write_fields(response.headers, state.headers)
        return response

    def _process_view(self, request: HttpRequest, view: object, *_: object) -> Response | None:
        turn = Turn.of(request)
        for door in _at_the_view(request, turn, view):
            response = _ask(door, request, turn)
            if response is not None:
                return response
        return None

    async def _aprocess_view(
        self, request: HttpRequest, view: object, *_: object
    ) -> Response | None:
        turn = Turn.of(request)
        for door in _at_the_view(request, turn, view):
            response = await _aask(door, request, turn)
            if response is not None:
                return response
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> Response | None:
        """Answers with a 429 what a limited function below a view has raised."""
        if not isinstance(exception, RateLimitExceeded):
            return None
        Turn.of(request).note(request, exception.decision)
        return refuse(current_state().plain.gate, exception.decision, request)


def _at_the_door(state: State, request: HttpRequest, turn: Turn) -> Door | None:
    """Whom to ask before any other middleware works."""
    exempt = state.settings.exempt
    if exempt.has_paths and exempt.frees_path(request.path_info):
        turn.is_free = turn.is_decided = True
    elif state.application is None:
        turn.is_decided = True
    elif state.decides_early:
        return _application(state, turn)
    return None


def _application(state: State, turn: Turn) -> Door | None:
    """Whom every request asks, once."""
    if turn.is_decided:
        return None
    turn.is_decided = True
    return state.application


def _at_the_view(request: HttpRequest, turn: Turn, view: object) -> Sequence[Door | None]:
    """Whom to ask once Django has found the first view that the request gets to."""
    state = turn.state
    if state is None or turn.has_view or turn.is_free:
        return ()
    turn.has_view = True
    plan = state.plans.of(view, request)
    if plan.is_free:
        turn.is_free = turn.is_decided = True
        return ()
    return (_application(state, turn), plan.door)


def _ask(door: Door | None, request: HttpRequest, turn: Turn) -> Response | None:
    """Asks one limit; returns the response to a refused request."""
    decision = None if door is None else door.ask(request)
    if door is None or decision is None:
        return None
    if not _passed(door, decision, request, turn):
        return refuse(door.gate, decision, request)
    if decision.delay:
        time.sleep(decision.delay)
    return None


async def _aask(door: Door | None, request: HttpRequest, turn: Turn) -> Response | None:
    decision = None if door is None else await door.aask(request)
    if door is None or decision is None:
        return None
    if not _passed(door, decision, request, turn):
        return await arefuse(door.gate, decision, request)
    if decision.delay:
        await asyncio.sleep(decision.delay)
    return None


def _passed(door: Door, decision: Decision, request: HttpRequest, turn: Turn) -> bool:
    turn.note(request, decision)
    if decision and door.settles:
        turn.settle_later(door, decision)
    return bool(decision)
