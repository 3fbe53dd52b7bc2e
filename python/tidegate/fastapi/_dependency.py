"""`RateLimit`: a limit as a FastAPI dependency."""

# Annotations are not postponed here: FastAPI reads those of `__call__`.

from collections.abc import Callable, Sequence
from datetime import timedelta
from inspect import Signature, currentframe, signature
from types import FrameType
from typing import TYPE_CHECKING, Any, get_args

from fastapi import Depends, params
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tidegate._arguments import limit_string, whole_number
from tidegate._current import current
from tidegate._native import Decision
from tidegate.errors import ConfigError, shorten
from tidegate.starlette._limit import RouteLimit

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tidegate._options import Options

_KEYS = "tidegate.fastapi.keys"
# Of a rule's name, in bytes; a module's is ASCII but for the odd one.
_LONGEST_NAME = 60


class RateLimit:
    """A limit for `Depends`: on a route, a router, or the whole application.

    One object is one limit: all routes that it is on are counted together, and a request for
    which it stands in several places is counted once. Write another object for another count.

    A refused request does not reach the handler; `HTTPRateLimitExceeded` is raised, which
    FastAPI answers with a 429. On a WebSocket's route the connection is closed with 1013. As
    a parameter of a handler, the dependency is the `Decision`.

    Args:
        limit: a limit string such as "100/minute", or requests per second.
        key: who is counted: nobody in particular if omitted, which is "global"; "ip" and so on as
            for `tidegate.protect_app`; a callable that is given the request (or the WebSocket);
            or a dependency, a callable with parameters that FastAPI fills in, which
            returns the key.
        times: requests in the time that the next four add up to, instead of `limit`.
        milliseconds: of that time.
        seconds: of that time.
        minutes: of that time.
        hours: of that time.
        options: as for `tidegate.protect_app`. The name is the module and line that make the
            limit if omitted; give one where a store outlives your versions of the code.

    Raises:
        ConfigError: naming the argument that is wrong.

    Example:
        >>> from fastapi import Depends, FastAPI
        >>> app = FastAPI()
        >>> @app.get("/report", dependencies=[Depends(RateLimit("5/minute", key="ip"))])
        ... def report() -> str:
        ...     return "all is well"
    """

    def __init__(
        self,
        limit: str | int | None = None,
        *,
        key: str | Callable[..., Any] | Sequence[str | Callable[..., Any]] | None = None,
        times: int | None = None,
        milliseconds: int = 0,
        seconds: int = 0,
        minutes: int = 0,
        hours: int = 0,
        **options: "Unpack[Options]",
    ) -> None:
        parts = {
            "milliseconds": milliseconds,
            "seconds": seconds,
            "minutes": minutes,
            "hours": hours,
        }
        text = _composed(limit, times, parts)
        asked: Any = key
        dependency = None
        if callable(key) and _is_dependency(key):
            asked, dependency = self._answered, key
        # What FastAPI reads.
        self.__signature__ = _signature(dependency)
        # In a store of several machines, the name is what tells one limit from another, and has
        # to be the same in all of them: it is the line that makes this one.
        self._limit = RouteLimit(text, {"name": _place(currentframe()), **options, "key": asked})

    async def __call__(
        self, connection: HTTPConnection, response: Response, tidegate_key: Any = None
    ) -> Decision | None:
        """Charges one request; FastAPI calls this."""
        if tidegate_key is not None:
            connection.scope.setdefault(_KEYS, {})[id(self)] = tidegate_key
        decision = await self._limit.admit(connection)
        if decision is None:
            return None
        if not decision:
            await self._limit.refuse(connection, decision)
        if not current.get():
            response.headers.update(self._limit.fields(decision))
        return decision

    def _answered(self, connection: HTTPConnection) -> Any:
        return connection.scope.get(_KEYS, {}).get(id(self))


def _place(frame: FrameType | None) -> str:
    """The module and the line that called the function of a frame."""
    caller = None if frame is None else frame.f_back
    if caller is None:
        return "route"
    return f"{caller.f_globals.get('__name__', 'route')}:{caller.f_lineno}"[-_LONGEST_NAME:]


def _composed(limit: str | int | None, times: int | None, parts: dict[str, int]) -> str:
    given = ", ".join(f"`{name}`" for name, value in parts.items() if value != 0)
    if times is None:
        if given:
            raise ConfigError(f"{given} is given without `times`: give both, or a limit string")
        return limit_string(limit)
    if limit is not None:
        raise ConfigError(f"`times` and a limit {shorten(limit)} are both given: give one of them")
    for name, value in parts.items():
        whole_number(name, value, least=0)
    if not given:
        raise ConfigError("`times` is given without a time: add seconds=, minutes= or hours=")
    return limit_string(requests=times, period=timedelta(**parts))


def _is_dependency(key: Callable[..., Any]) -> bool:
    """True if FastAPI has to call it, since a parameter says where its value comes from."""
    try:
        parameters = signature(key, eval_str=True).parameters.values()
    except (TypeError, ValueError, NameError):
        return False
    return any(
        isinstance(source, (params.Depends, params.Param, params.Body))
        for parameter in parameters
        for source in (parameter.default, *get_args(parameter.annotation))
    )


def _signature(key: Callable[..., Any] | None) -> Signature:
    _, connection, response, answer = signature(RateLimit.__call__).parameters.values()
    if key is None:
        # Else a client could send the key, as a parameter of the query.
        return Signature([connection, response])
    return Signature([connection, response, answer.replace(default=Depends(key))])
