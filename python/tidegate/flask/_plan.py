"""Which limits a request meets.

Those of the nearest place that has any: its route, then its blueprints from the innermost out,
then `default`. To them comes the application-wide limit. Those of the route are asked first, so
that what a narrow limit refuses takes nothing from a wide one.
"""

from __future__ import annotations

from collections.abc import Iterator

import flask

from tidegate.errors import ConfigError, shorten
from tidegate.flask import _marks
from tidegate.flask._ask import Question
from tidegate.flask._bound import Bound, OwnGate
from tidegate.flask._door import Door
from tidegate.flask._limit import Limit
from tidegate.flask._settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.flask._extension import TideGate

# One that no cost is too high for.
_ANY_LIMIT = "1000000/second"
# Where a limit with a name of its own is a single count.
_SINGLE = ("route", "function")


class Plan:
    """The limits of one extension in one application, place by place."""

    def __init__(self, extension: TideGate, app: flask.Flask, settings: Settings) -> None:
        self._extension = extension
        self._app = app
        self._settings = settings
        name = settings.options.pop("name", None)
        self._prefix = "" if name is None else f"{name}:"
        self._bounds: dict[tuple[str, object], Bound] = {}
        # With the extension's version, since decorators may come after the first request.
        self._known: dict[tuple[str, str], tuple[int, tuple[Bound | OwnGate, ...]]] = {}
        # What every gate is made of is tried in any case: better here than in a request.
        Door.made(_ANY_LIMIT, settings.user, settings.merged({}))
        self._application: Bound | OwnGate | None = None
        if settings.gate is not None:
            self._application = OwnGate(settings)
        elif settings.limit is not None:
            limit = Limit(settings.limit)
            self._application = Bound(limit, name or "application", "application", settings)
        self._default = None if settings.default is None else Limit(settings.default)
        if self._default is not None:
            Bound(self._default, "default", "default", settings)

    def of(self, endpoint: str | None, method: str) -> tuple[Bound | OwnGate, ...]:
        """The limits of a request, in the order in which they are asked.

        Args:
            endpoint: `None` for a request that no route serves.
            method: one that the endpoint serves.
        """
        if endpoint is None:
            return () if self._application is None else (self._application,)
        version = self._extension.version
        known = self._known.get((endpoint, method))
        if known is not None and known[0] == version:
            return known[1]
        made = tuple(self._found(endpoint, method))
        self._known[endpoint, method] = version, made
        return made

    def frees(self, endpoint: str, method: str) -> bool:
        """Whether an endpoint is not limited because somebody has said so."""
        if self._is_static(endpoint):
            return True
        return any(exempts for _, _, exempts in self._places(endpoint, method))

    def bind(self, limit: Limit, name: str, origin: str, endpoint: str, method: str) -> Bound:
        """The count of a limit at one place."""
        scope = _scope_of(limit, endpoint)
        given = limit.options.get("name")
        if scope is not None:
            name = f"scope {scope}"
        elif given is not None:
            name = str(given) if origin in _SINGLE else f"{given} {endpoint}"
        if limit.per_method:
            name = f"{name} {'GET' if method == 'HEAD' else method}"
        # A scope is one count for all who name it; anything else is a limit's own.
        key = (name, limit if scope is None else limit.identity)
        bound = self._bounds.get(key)
        if bound is None:
            made = Bound(limit, self._prefix + name, origin, self._settings)
            bound = self._bounds.setdefault(key, made)
        return bound if bound.limit is limit else bound.elsewhere(limit, origin)

    def _found(self, endpoint: str, method: str) -> Iterator[Bound | OwnGate]:
        is_exempt = False
        for place, limits, exempts in self._places(endpoint, method):
            counted = [limit for limit in limits if limit.counts(method)]
            name = endpoint if place == "route" else f"{endpoint} ({place})"
            for number, limit in enumerate(counted, 1):
                numbered = name if number == 1 else f"{name} {number}"
                yield self.bind(limit, numbered, place, endpoint, method)
            is_exempt = exempts
            if exempts or any(limit.override_defaults for limit in counted):
                break
        if self._application is not None and not is_exempt:
            yield self._application

    def _places(self, endpoint: str, method: str) -> Iterator[tuple[str, list[Limit], bool]]:
        """Finds the places from the nearest to the farthest.

        Each has its limits, and tells whether it is exempt from those farther away.
        """
        owner = self._extension
        limits: dict[Limit, None] = {}
        exempts = False
        for marked in _marks.views_of(self._app.view_functions.get(endpoint), method):
            limits.update(dict.fromkeys(_marks.limits_of(marked, owner)))
            exempts = exempts or _marks.is_exempt(marked, owner)
        yield "route", list(limits), exempts
        is_static = self._is_static(endpoint)
        name = endpoint.rpartition(".")[0]
        while name:
            blueprint = self._app.blueprints.get(name)
            if blueprint is not None:
                found, exempts = owner.of_blueprint(blueprint)
                yield f"blueprint {name}", [] if is_static else found, exempts
            name = name.rpartition(".")[0]
        if self._default is not None and not is_static:
            yield "default", [self._default], False

    def _is_static(self, endpoint: str) -> bool:
        """Whether an endpoint is Flask's own, for the files of a static folder."""
        name, _, last = endpoint.rpartition(".")
        holder = self._app.blueprints.get(name) if name else self._app
        return last == "static" and holder is not None and holder.has_static_folder


def _scope_of(limit: Limit, endpoint: str) -> str | None:
    scope = limit.scope
    if not isinstance(scope, Question):
        return scope
    told = scope.ask(endpoint)
    if not isinstance(told, str) or not told:
        raise ConfigError(
            f"the scope callable {scope.name} must return text that is not empty, "
            f"got {shorten(told)}"
        )
    return told
