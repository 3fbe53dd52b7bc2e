"""Which limits a request meets, found once for every path that is asked for.

What has been found is kept while the routes and the limits stay as they are, and only where the
path and the method decide; see `_shape`. Clients choose paths, so what is kept is bounded.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from tidegate.starlette._routes import Found, resolve
from tidegate.starlette._shape import Shape

if TYPE_CHECKING:
    from tidegate.starlette._extension import TideGate

# Places that are kept for one application, and characters of a path for which one is.
_MOST = 1024
_LONGEST = 256


class Place:
    """Where a request goes, and what it meets there.

    Attributes:
        template: of the route; `None` when none answers.
        limits: those of the route, in the order in which they are asked.
        route: what limits by route count: the default counts routes, of which one template may
            have several.
        is_exempt: whether the application's own limit leaves the route alone.
        is_plain: whether all limits can be asked at once, without a request object.
    """

    __slots__ = ("is_exempt", "is_plain", "limits", "route", "template")

    def __init__(self, owner: TideGate, found: Found | None) -> None:
        limits = owner.limits_of(found)
        self.template = self.route = None if found is None else found.template
        if found is not None and owner.is_default(limits):
            self.route = found.name
        self.limits = tuple(limits)
        self.is_exempt = owner.is_exempt(found)
        self.is_plain = all(limit.is_plain for limit in limits)


class _Kept:
    """What has been found while routes and limits were as they are."""

    __slots__ = ("places", "shape", "version")

    def __init__(self, version: int, shape: Shape) -> None:
        self.version = version
        self.shape = shape
        self.places: dict[tuple[object, ...], Place] = {}


class Places:
    """The places of one application."""

    def __init__(self, owner: TideGate, app: object) -> None:
        self._owner = owner
        self._app = app
        self._kept = _Kept(owner.version, Shape(app))

    def of(self, scope: MutableMapping[str, Any]) -> Place:
        """Finds the place of a request, and notes its route in the scope."""
        kept = self._kept
        if kept.version != self._owner.version or not kept.shape.holds():
            # As one: another thread may be reading.
            kept = self._kept = _Kept(self._owner.version, Shape(self._app))
        if not kept.shape.is_by_path:
            return Place(self._owner, _found_once(self._app, scope))
        path = scope["path"]
        by = (path, scope.get("method"), scope.get("root_path"), scope["type"])
        place = kept.places.get(by)
        if place is None:
            place = Place(self._owner, resolve(self._app, scope))
            if len(path) <= _LONGEST:
                if len(kept.places) >= _MOST:
                    kept.places.clear()
                kept.places[by] = place
        scope["tidegate.route"] = place.template
        return place


def _found_once(app: object, scope: MutableMapping[str, Any]) -> Found | None:
    """Resolves the route of a request, once as long as nobody has changed what it depends on."""
    by = (scope["path"], scope.get("method"), scope.get("root_path"), id(app))
    known: tuple[Any, Found | None] | None = scope.get("tidegate.found")
    if known is not None and known[0] == by:
        return known[1]
    found = resolve(app, scope)
    scope["tidegate.found"] = (by, found)
    scope["tidegate.route"] = None if found is None else found.template
    return found
