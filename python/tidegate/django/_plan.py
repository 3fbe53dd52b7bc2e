"""What the setting means for a view: which limit stands in front of it, or that it is free.

Found once for every view, route and method, because each request asks for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest

from tidegate.django import _marks
from tidegate.django._keys import route_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.django._door import Door
    from tidegate.django._state import State

# Clients choose methods: when more is known than this, everything is found anew.
_MOST = 1024


class Plan(NamedTuple):
    """What applies at a view, beside the application-wide limit.

    Attributes:
        is_free: whether no limit of the setting applies, that one neither.
        door: the door of `default`, if it applies.
        changes: how often a mark had been left when this was found.
    """

    is_free: bool
    door: Door | None
    changes: int


class Plans:
    """The plans of one value of the setting."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[Any, Plan] = {}

    def of(self, view: object, request: HttpRequest) -> Plan:
        """The plan for a request that Django has found the view of."""
        match = request.resolver_match
        names = None if match is None else (match.route, match.view_name)
        key = (view, names, request.method)
        try:
            found = self._known.get(key)
        except TypeError:  # a view without a hash
            return self._look(view, request)
        if found is None or found.changes != _marks.changes:
            found = self._look(view, request)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = found
        return found

    def _look(self, view: object, request: HttpRequest) -> Plan:
        # Read first: what is marked meanwhile is looked at again.
        changes = _marks.changes
        settings, method = self._state.settings, request.method or "GET"
        if _marks.is_exempt(view, method) or settings.exempt.frees_view(request.resolver_match):
            return Plan(is_free=True, door=None, changes=changes)
        door = None
        if settings.default is not None and not _marks.has_limit(view, method):
            door = self._state.of_route(route_of(request) or "/")
        return Plan(is_free=False, door=door, changes=changes)
