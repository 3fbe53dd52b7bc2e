"""One extension in one application: which limits a request meets, and their decisions.

A request meets the limits of the nearest place that has any: its route, then its blueprints from
the innermost out, then `default`. To them comes the application-wide limit. Those of the route
are asked first, so that what a narrow limit refuses takes nothing from a wide one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import flask

from tidegate._current import outer_address
from tidegate._native import Decision, Gate
from tidegate.errors import ConfigError, shorten
from tidegate.flask._ask import Question
from tidegate.flask._door import Door
from tidegate.flask._limit import Limit
from tidegate.flask._places import places
from tidegate.flask._refusal import AnsweredRefusal, HTTPRateLimitExceeded
from tidegate.flask._settings import Settings
from tidegate.flask._turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.flask._extension import TideGate

# Of a rule's name, in bytes.
_LONGEST_NAME = 128
# Limits that a callable may tell for one place: more are no plans, but what clients send.
_MOST_LIMITS = 1000
# Where a limit that has a name of its own is one count.
_SINGLE = ("route", "function")


class Bound:
    """A limit at one place, where it has a count of its own.

    Attributes:
        limit: what a decorator said; `None` for the user's own gate.
        name: what decisions call it.
        origin: the place, for people: "route", "blueprint shop", "default", "application".
    """

    def __init__(self, limit: Limit | None, name: str, origin: str) -> None:
        self.limit = limit
        self.name = name
        self.origin = origin
        self.doors: dict[str, Door] = {}


class State:
    """The limits of one extension in one application."""

    def __init__(self, extension: TideGate, app: flask.Flask, settings: Settings) -> None:
        self.extension = extension
        self.app = app
        self.settings = settings
        self._asks_outer = "trusted_proxies" not in settings.options
        self._bounds: dict[tuple[str, object], Bound] = {}
        self._doors: dict[tuple[str, str], Door] = {}
        self._plans: dict[tuple[str | None, str], tuple[int, tuple[Bound, ...]]] = {}
        self.application = self._application()
        self.default = None if settings.default is None else Limit(settings.default)
        if self.default is not None:
            self.door(Bound(self.default, "default", "default"), None)

    def _application(self) -> Bound | None:
        settings = self.settings
        name = str(settings.options.pop("name", "application"))
        self._prefix = "" if name == "application" else f"{name}:"
        if settings.gate is not None:
            bound = Bound(None, name, "application")
            bound.doors[""] = Door(settings.gate, settings.user)
            return bound
        if settings.limit is None:
            # What every gate is made of is tried even so: better here than in a request.
            Door.made("1/second", settings.user, settings.merged({}))
            return None
        bound = Bound(Limit(settings.limit), name, "application")
        self.door(bound, None)
        return bound

    def admit(self, request: flask.Request) -> None:
        """Asks every limit that the request meets, and raises when one refuses."""
        environ = request.environ
        turn = Turn.of(environ)
        method = request.method
        for bound in self.plan(request.endpoint, method):
            if bound.limit is not None:
                turn.applied.add(bound.limit)
            self.decide(bound, request, turn)
        if turn.delay:
            time.sleep(turn.delay)
            turn.delay = 0.0

    def admit_call(self, limit: Limit, name: str, request: flask.Request) -> None:
        """Asks the limit of a function that is not the view of this request."""
        turn = Turn.of(request.environ)
        if (
            self.extension in turn.freed_by
            or limit in turn.applied
            or not limit.counts(request.method)
        ):
            return
        self.decide(self._bind(limit, name, "function", name, request.method), request, turn)
        if turn.delay:
            time.sleep(turn.delay)
            turn.delay = 0.0

    def decide(self, bound: Bound, request: flask.Request, turn: Turn) -> None:
        """Asks one limit; raises when it refuses."""
        limit = bound.limit
        if limit is not None and limit.exempt_when is not None:
            if limit.exempt_when.ask(request):
                return
        door = self.door(bound, request)
        if door is None:
            return
        environ = request.environ
        if request.method == "OPTIONS" and not door.gate.counts_wsgi(environ):
            return  # a CORS preflight
        cost = None if limit is None else limit.cost
        if isinstance(cost, Question):
            cost = _whole_cost(cost, request)
        address = outer_address() if self._asks_outer else None
        decision = door.decide(request, cost, address)
        turn.consider(environ, decision, self.settings.profile)
        if not decision:
            raise self._refusal(limit, door.gate, decision, request)
        turn.wait_for_response(door.gate, decision, None if limit is None else limit.deduct_when)

    def _refusal(
        self, limit: Limit | None, gate: Gate, decision: Decision, request: flask.Request
    ) -> Exception:
        breach = limit.on_breach if limit is not None else None
        breach = breach or self.extension.breach or self.settings.on_breach
        if breach is not None:
            answer = breach.ask(request, decision)
            if answer is not None:
                return AnsweredRefusal(decision, answer)
        refusal = gate.refusal(decision, request.headers.get("Accept"))
        return HTTPRateLimitExceeded(decision, refusal)

    def plan(self, endpoint: str | None, method: str) -> tuple[Bound, ...]:
        """The limits of an endpoint, in the order in which they are asked."""
        version = self.extension.version
        # A method that no route has would fill memory by a client's choice.
        known = self._plans.get((endpoint, method))
        if known is not None and known[0] == version:
            return known[1]
        made = tuple(self._planned(endpoint, method))
        if endpoint is not None:
            self._plans[endpoint, method] = version, made
        return made

    def _planned(self, endpoint: str | None, method: str) -> Iterator[Bound]:
        is_exempt = False
        if endpoint is not None:
            found = places(self.app, self.extension, self.default, endpoint, method)
            for place, limits, exempts in found:
                counted = [limit for limit in limits if limit.counts(method)]
                for index, limit in enumerate(counted):
                    name = endpoint if place == "route" else f"{endpoint} ({place})"
                    numbered = name if index == 0 else f"{name} {index + 1}"
                    yield self._bind(limit, numbered, place, endpoint, method)
                is_exempt = exempts
                if exempts or any(limit.override_defaults for limit in counted):
                    break
        if self.application is not None and not is_exempt:
            yield self.application

    def _bind(self, limit: Limit, name: str, origin: str, endpoint: str, method: str) -> Bound:
        scope = limit.scope
        if isinstance(scope, Question):
            scope = scope.ask(endpoint)
            if not isinstance(scope, str) or not scope:
                asked = limit.scope
                assert isinstance(asked, Question)
                raise ConfigError(
                    f"the scope callable {asked.name} must return text that is not empty, "
                    f"got {shorten(scope)}"
                )
        given = limit.options.get("name")
        if scope is not None:
            name = f"scope {scope}"
        elif given is not None:
            name = str(given) if origin in _SINGLE else f"{given} {endpoint}"
        if limit.per_method:
            name = f"{name} {'GET' if method == 'HEAD' else method}"
        name = _short(self._prefix + name)
        # A scope is one count for all who name it, and anything else is a limit's own.
        key = (name, limit if scope is None else _identity(limit))
        bound = self._bounds.get(key)
        if bound is None:
            bound = self._bounds[key] = Bound(limit, name, origin)
            self.door(bound, None)
        if bound.limit is not limit:
            other, bound = bound, Bound(limit, name, origin)
            bound.doors = other.doors
        return bound

    def door(self, bound: Bound, request: flask.Request | None) -> Door | None:
        """The gate of a limit, for a request if it depends on one; `None` where nothing limits."""
        limit = bound.limit
        if limit is None:
            return bound.doors[""]
        value: Any = limit.value
        if isinstance(value, Question):
            if request is None:
                return None
            value = value.ask(request)
            if value is None or value == "":
                return None
        door = bound.doors.get(value) if isinstance(value, str) else None
        if door is None:
            door = self._new_door(bound, limit, value)
        return door

    def _new_door(self, bound: Bound, limit: Limit, value: Any) -> Door:
        if isinstance(limit.value, Question):
            if not isinstance(value, str):
                raise ConfigError(
                    f"the limit callable {limit.value.name} must return a limit string, "
                    f"got {shorten(value)}"
                )
            if len(bound.doors) >= _MOST_LIMITS:
                raise ConfigError(
                    f"the limit callable {limit.value.name} has returned more than "
                    f"{_MOST_LIMITS} different limits: it must choose from a few"
                )
        options = self.settings.merged({**limit.options, "name": bound.name})
        return bound.doors.setdefault(value, Door.made(value, self.settings.user, options))


def _identity(limit: Limit) -> object:
    return limit.value.function if isinstance(limit.value, Question) else limit.value


def _whole_cost(cost: Question, request: flask.Request) -> int:
    found = cost.ask(request)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise ConfigError(
            f"the cost callable {cost.name} must return a whole number of at least 0, "
            f"got {shorten(found)}"
        )
    return found


def _short(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= _LONGEST_NAME:
        return name
    # Cut names that begin alike must stay apart.
    digest = blake2b(encoded, digest_size=8).hexdigest()
    kept = encoded[: _LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{kept}~{digest}"
