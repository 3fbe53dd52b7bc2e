"""`rate_limit`: one limit in front of one function, of any of the four kinds of function.

Whom a call is charged to, and what a refusal becomes, is the business of `_guard`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from inspect import isasyncgenfunction, isclass, isgeneratorfunction, unwrap
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

from tidegate._arguments import limit_string, text
from tidegate._guard import Guard
from tidegate._keys import is_async, name_of
from tidegate._named import NamedGuard, refuse_beside
from tidegate.errors import ConfigError, ConfigTypeError, RateLimitExceeded, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from datetime import timedelta

    from typing_extensions import Unpack

    from tidegate._options import Keys, Options

P = ParamSpec("P")
R = TypeVar("R")

# The limited forms of each function, for adapters that look whether a route has the bare one.
_wrappers: WeakKeyDictionary[object, WeakSet[Any]] = WeakKeyDictionary()


def rate_limit(
    limit: str | int | None = None,
    *,
    key: Keys | None = None,
    requests: int | None = None,
    period: float | timedelta | str | None = None,
    burst: int | None = None,
    algorithm: str | None = None,
    **options: Unpack[Options],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Limits how often a function may be called, inside a web request or anywhere else.

    Works on functions and methods, `def` and `async def`; a generator is charged when its
    first value is asked for. The signature stays. Over the limit, the body does not run:
    inside a request of Flask, FastAPI, Starlette or Django the answer is a 429, elsewhere
    `RateLimitExceeded` is raised. Put it below the decorator that makes a route.

    The running request is found among the arguments, in Flask's context, or by `protect_app`
    around the application. FastAPI and Starlette need one of the first and the last for a
    `key` that depends on the request.

    Args:
        limit: a limit string such as "100/minute", or calls per second.
        key: who is counted: nobody in particular if omitted, which is "global"; "ip", "user",
            "path", "route", "method", "host", or "header", "cookie", "query" or "form" with a
            name such as "header:x-api-key"; a callable that returns the key; or a list of
            several. A callable is given the framework's request if there is one, else the
            function's own arguments. It may be async if the function is.
        requests: calls per `period`; with `period`, instead of `limit`.
        period: seconds, a timedelta, or text such as "5m".
        burst: calls at once, at least 1; as many as `requests` if omitted.
        algorithm: a name such as "sliding_window_log"; "gcra" if omitted.
        options: as for `protect_app`. With a `name` and no limit, the limit is the rule of
            this name in the configuration that `protect_app` was given, or `load_gate`, or that
            `TIDEGATE_CONFIG` names. The name is the function's if omitted, and what
            `charge_on` is given is what the function returned, or the exception that it raised.

    Raises:
        ConfigError: when decorating: an argument that is wrong, or not a function. When
            calling: a key that only a request has, and no request.

    Example:
        >>> from tidegate import RateLimitExceeded, rate_limit
        >>> @rate_limit("1/hour", key=lambda user: f"reset:{user}")
        ... def reset_password(user: str) -> str:
        ...     return f"mail sent to {user}"
        >>> reset_password("ana")
        'mail sent to ana'
        >>> try:
        ...     reset_password("ana")
        ... except RateLimitExceeded as exceeded:
        ...     print(exceeded)
        rate limit 'reset_password' reached for 'reset:ana'; retry in 3600 s
    """
    if callable(limit):
        raise ConfigError('@rate_limit has no limit: write @rate_limit("100/minute")')
    own = {"limit": limit, "requests": requests, "period": period}
    if "name" in options and all(value is None for value in own.values()):
        others = {"key": key, "burst": burst, "algorithm": algorithm, **options}
        refuse_beside(options["name"], others)
        rule = text("name", options["name"])
        return _decorator(lambda function: NamedGuard(function, rule))
    told = limit_string(limit, requests=requests, period=period, burst=burst, algorithm=algorithm)
    return _decorator(lambda function: Guard(function, told, key, options))


def _decorator(
    guard_of: Callable[[Callable[..., Any]], Guard],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    guards: WeakKeyDictionary[object, Guard] = WeakKeyDictionary()

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        _refuse_what_is_no_function(function)
        # One guard for one function, however often it is decorated: Django's method_decorator
        # does so anew for every request, and each would start with a full quota.
        innermost = _innermost(function)
        try:
            guard = guards.get(innermost) or guard_of(function)
            guards[innermost] = guard
        except TypeError:  # an object that has no weak references or no hash
            guard = guard_of(function)
        wrapper: object
        if isasyncgenfunction(function):
            wrapper = _around_async_generator(function, guard)
        elif is_async(function):
            wrapper = _around_coroutine(function, guard)
        elif isgeneratorfunction(function):
            wrapper = _around_generator(function, guard)
        else:
            wrapper = _around_function(function, guard)
        with suppress(TypeError):  # an object that has no weak references or no hash
            _wrappers.setdefault(function, WeakSet()).add(wrapper)
        return cast("Callable[P, R]", wrapper)

    return decorate


def wrappers_of(function: object) -> list[object]:
    """Returns the limited forms of a function that are still in use."""
    try:
        return list(_wrappers.get(function, ()))
    except TypeError:  # as above
        return []


def is_limited(function: object) -> bool:
    """True for the limited form of a function."""
    return any(wrapper is function for wrapper in wrappers_of(getattr(function, "__wrapped__", 0)))


def _around_function(function: Callable[..., Any], guard: Guard) -> object:
    settles = guard.settles

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        decision, current = guard.enter(args, kwargs)
        if not decision:
            return guard.refuse(current, decision)
        if decision.delay:
            time.sleep(decision.delay)
        if not settles:
            return function(*args, **kwargs)
        end: object = None
        try:
            end = function(*args, **kwargs)
        except BaseException as error:
            end = error
            raise
        finally:
            guard.leave(current, decision, end)
        return end

    return wrapper


def _around_coroutine(function: Callable[..., Any], guard: Guard) -> object:
    settles = guard.settles

    @wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        decision, current = await guard.aenter(args, kwargs)
        if not decision:
            return await guard.arefuse(current, decision)
        await _asleep(decision.delay)
        if not settles:
            return await function(*args, **kwargs)
        end: object = None
        try:
            end = await function(*args, **kwargs)
        except BaseException as error:
            end = error
            raise
        finally:
            await guard.aleave(current, decision, end)
        return end

    return wrapper


def _around_generator(function: Callable[..., Generator[Any, Any, Any]], guard: Guard) -> object:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        decision, current = guard.enter(args, kwargs)
        if not decision:
            guard.refuse(current, decision)
            # A generator cannot answer with a response.
            raise RateLimitExceeded(decision)
        if decision.delay:
            time.sleep(decision.delay)
        end: object = None
        try:
            end = yield from function(*args, **kwargs)
        except BaseException as error:
            end = error
            raise
        finally:
            guard.leave(current, decision, end)
        return end

    return wrapper


def _around_async_generator(function: Callable[..., Any], guard: Guard) -> object:
    @wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        decision, current = await guard.aenter(args, kwargs)
        if not decision:
            guard.refuse(current, decision)
            raise RateLimitExceeded(decision)
        await _asleep(decision.delay)
        inner = function(*args, **kwargs)
        # What `yield from` does, which asynchronous generators lack.
        try:
            value = await inner.__anext__()
            while True:
                try:
                    sent = yield value
                except BaseException as error:  # noqa: BLE001 - it is the inner one's to handle
                    value = await inner.athrow(error)
                else:
                    value = await inner.asend(sent)
        except StopAsyncIteration:
            await guard.aleave(current, decision, None)
        except BaseException as error:
            await guard.aleave(current, decision, error)
            raise

    return wrapper


def _innermost(function: object) -> object:
    function = unwrap(cast("Callable[..., object]", function))
    while isinstance(function, partial):
        function = cast("Any", function).func
    return function


async def _asleep(seconds: float) -> None:
    if seconds:
        from asyncio import sleep  # noqa: PLC0415 - for queueing limits only

        await sleep(seconds)


def _refuse_what_is_no_function(function: object) -> None:
    if isinstance(function, (classmethod, staticmethod)):
        kind = "classmethod" if isinstance(function, classmethod) else "staticmethod"
        raise ConfigTypeError(f"put @rate_limit below @{kind}, next to the function")
    if isclass(function):
        raise ConfigTypeError(
            f"@rate_limit cannot limit the class {name_of(function)}: put it on its methods"
        )
    if not callable(function):
        raise ConfigTypeError(
            f"@rate_limit needs a function, got {shorten(function)} of type "
            f"{type(function).__qualname__}"
        )
