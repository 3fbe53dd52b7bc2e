"""`ratelimit`, `shared_limit` and `exempt`: for view functions, class views and their methods."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, wraps
from inspect import isclass
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tidegate._decorator import _innermost  # pyright: ignore[reportPrivateUsage]
from tidegate._keys import is_async, name_of
from tidegate._native import Decision
from tidegate.django import _marks
from tidegate.django._breach import arefuse, refuse
from tidegate.django._door import Door
from tidegate.django._limit import Limit, Place, chosen
from tidegate.django._request import http_request
from tidegate.django._settle import asettle, settle
from tidegate.django._state import current_state
from tidegate.django._turn import Turn
from tidegate.errors import ConfigError, ConfigTypeError, shorten

V = TypeVar("V", bound=Callable[..., Any])

ALL = None
"""Every method, for `methods`."""

UNSAFE = ("DELETE", "PATCH", "POST", "PUT")
"""The methods that change something, for `methods`."""


def ratelimit(
    limit: str | int | None = None,
    *,
    key: Any = None,
    methods: str | Iterable[str] | None = None,
    scope: str | None = None,
    block: Any = True,
    on_breach: str | Callable[[Any, Decision], Any] | None = None,
    rate: str | int | None = None,
    group: str | None = None,
    method: str | Iterable[str] | None = None,
    **options: Any,
) -> Callable[[V], V]:
    """Limits a view function, a class view, or a method of one; sync or async.

    Over the limit the view does not run, and the answer is a 429. The signature stays. Needs
    neither the middleware nor the app; put it below no decorator that hides the request. On a
    class it limits every method that `methods` names. A limit of a view's own replaces the
    setting's `default` for it, and leaves the application-wide one.

    Args:
        limit: a limit string such as "5/minute", or requests per second.
        key: who is counted: "ip", "user" (whoever is not signed in counts by address), "path",
            "route", "method", "host", "global", or "header", "cookie", "query" or "form" with
            a name such as "form:email"; a callable that is given the request, or its dotted
            path; or a list of several. The setting's `key` if omitted.
        methods: the methods that are counted, such as "POST" or `UNSAFE`; all if omitted. GET
            stands for HEAD too.
        scope: the name of one count that several limits share.
        block: `False` lets the view run over the limit too, and answer by itself:
            `request.limited` says whether it is over.
        on_breach: a callable, given the request and the decision, that answers instead: a
            response, text, a dict, `(body, status)`, or `None` for the usual 429.
        rate: the same as `limit`, as users of django-ratelimit know it.
        group: the same as `scope`.
        method: the same as `methods`.
        options: as for `tidegate.protect_app`, instead of the setting's, such as `charge_on`,
            `cost`, `limit_for`, `exempt_when`, `mode`, `store`; or `requests`, `period`,
            `burst`, `algorithm` as for `tidegate.rate_limit`. `block` may be a time, too:
            for how long a key is kept out after a breach.

    Raises:
        ConfigError: when decorating, naming the argument that is wrong. When called: neither
            the decorator nor the setting has a key.
    """
    if callable(limit):
        raise ConfigError('@ratelimit has no limit: write @ratelimit("5/minute", key="ip")')
    made = Limit(
        chosen("limit", limit, "rate", rate),
        key=key,
        methods=chosen("methods", methods, "method", method),
        scope=chosen("scope", scope, "group", group),
        block=block,
        on_breach=on_breach,
        options=options,
    )

    def decorate(view: V) -> V:
        if isclass(view):
            return cast("V", _on_class(view, made))
        _refuse_what_is_no_view(view)
        return cast("V", _around(view, made, made.place(_innermost(view))))

    return decorate


def shared_limit(limit: str | int, scope: str, **options: Any) -> Callable[[V], V]:
    """Limits several views, which share one count; `scope` names it."""
    return ratelimit(limit, scope=scope, **options)


def exempt(view: V) -> V:
    """Frees a view, a class view or a method of one from the setting's limits. Returns it.

    Those are `default` and the application-wide limit; limits of the view's own stay.
    """
    if not callable(view):
        raise ConfigTypeError(f"@exempt needs a view, got {shorten(view)}")
    try:
        _marks.put(view, _marks.EXEMPT, True)
    except AttributeError:  # a bound method, or a class that is not Python's

        @wraps(view)
        def marked(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

        _marks.put(marked, _marks.EXEMPT, True)
        view = cast("V", marked)
    _marks.exempted.append(True)
    return view


def _on_class(view: Any, limit: Limit) -> Any:
    dispatch = getattr(view, "dispatch", None)
    if dispatch is None:
        raise ConfigTypeError(
            f"@ratelimit cannot limit the class {name_of(view)}: it is no class view, which has a "
            "method `dispatch`"
        )
    view.dispatch = _around(dispatch, limit, limit.place(view))
    return view


def _around(view: Any, limit: Limit, place: Place) -> Any:
    if is_async(view) or iscoroutinefunction(view):

        @wraps(view)
        async def awrapper(*args: Any, **kwargs: Any) -> Any:
            return await _arun(view, limit, place, args, kwargs)

        wrapper: Any = awrapper
    else:

        @wraps(view)
        def plain(*args: Any, **kwargs: Any) -> Any:
            if _answers_later(view, args):
                return _arun(view, limit, place, args, kwargs)
            return _run(view, limit, place, args, kwargs)

        wrapper = plain
    marks: Sequence[Limit] = getattr(view, _marks.LIMITS, ())
    _marks.put(wrapper, _marks.LIMITS, (*marks, limit))
    return wrapper


def _run(
    view: Any, limit: Limit, place: Place, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    given, request = _request_among(place, args, kwargs)
    door = _door_for(limit, place, request)
    if door is None:
        return view(*args, **kwargs)
    decision = door.decide(request, given)
    if _is_refused(limit, decision, request):
        return refuse(door.gate, decision, request)
    if decision.delay:
        time.sleep(decision.delay)
    if _is_left_to_middleware(door, decision, request):
        return view(*args, **kwargs)
    try:
        response = view(*args, **kwargs)
    except BaseException as error:
        door.settle(decision, error)
        raise
    settle(door, decision, response)
    return _with_fields(response, request)


async def _arun(
    view: Any, limit: Limit, place: Place, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    given, request = _request_among(place, args, kwargs)
    door = _door_for(limit, place, request)
    if door is None:
        return await view(*args, **kwargs)
    decision = await door.adecide(request, given)
    if _is_refused(limit, decision, request):
        return await arefuse(door.gate, decision, request)
    if decision.delay:
        await asyncio.sleep(decision.delay)
    if _is_left_to_middleware(door, decision, request):
        return await view(*args, **kwargs)
    try:
        response = await view(*args, **kwargs)
    except BaseException as error:
        await door.asettle(decision, error)
        raise
    await asettle(door, decision, response)
    return _with_fields(response, request)


def _request_among(
    place: Place, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, HttpRequest]:
    for value in (*args, *kwargs.values()):
        request = http_request(value)
        if request is not None:
            return value, request
    raise ConfigError(
        f"ratelimit of {place.name} found no request among the arguments: it is for views; "
        "tidegate.rate_limit is for other functions"
    )


def _door_for(limit: Limit, place: Place, request: HttpRequest) -> Door | None:
    if not limit.covers(request.method or "GET"):
        return None
    door = place.door()
    return door if door is not None and door.counts(request) else None


def _is_refused(limit: Limit, decision: Decision, request: HttpRequest) -> bool:
    Turn.of(request).note(request, decision)
    if limit.blocks:
        return not decision
    was_limited: bool = request.__dict__.get("limited", False)
    request.__dict__["limited"] = was_limited or not decision
    return False


def _is_left_to_middleware(door: Door, decision: Decision, request: HttpRequest) -> bool:
    """Whether our middleware writes the fields, and settles: it sees what an exception becomes."""
    turn = Turn.of(request)
    if turn.state is None:
        return False
    if decision and door.settles:
        turn.settle_later(door, decision)
    return True


def _with_fields(response: Any, request: HttpRequest) -> Any:
    if isinstance(response, HttpResponseBase):
        Turn.of(request).write_fields(response.headers, current_state().headers)
    return response


def _answers_later(view: Any, args: Sequence[Any]) -> bool:
    """Whether a plain function is the `dispatch` of an async class view: it returns a coroutine."""
    owner = args[0] if args else None
    while isinstance(view, partial):
        view = view.func
    owner = getattr(view, "__self__", owner)
    return getattr(view, "__name__", "") == "dispatch" and bool(
        getattr(owner, "view_is_async", False)
    )


def _refuse_what_is_no_view(view: object) -> None:
    if isinstance(view, (classmethod, staticmethod)):
        kind = "classmethod" if isinstance(view, classmethod) else "staticmethod"
        raise ConfigTypeError(f"put @ratelimit below @{kind}, next to the function")
    if not callable(view):
        raise ConfigTypeError(
            f"@ratelimit needs a view, got {shorten(view)} of type {type(view).__qualname__}"
        )
