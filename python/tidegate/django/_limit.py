"""What a decorator says, and the places where it has a count of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary, WeakSet

from tidegate._arguments import limit_string
from tidegate._arguments import text as text_of
from tidegate._gate import make_gate
from tidegate._keys import rule_name
from tidegate.django._door import Door
from tidegate.django._keys import later, native_options
from tidegate.django._settings import GATE_OPTIONS, refuse_unknown
from tidegate.django._state import current_state
from tidegate.errors import ConfigError, ConfigTypeError, shorten

_OPTIONS = GATE_OPTIONS | {"enabled", "on_breach"}
# Every place that is limited in this process.
places: WeakSet[Place] = WeakSet()
_scopes: dict[str, Place] = {}


class Limit:
    """What one `ratelimit(...)` says.

    Attributes:
        text: the limit string.
        key: whom to count, or `None` for the setting's.
        methods: those that are counted, or `None` for all.
        scope: the name of a count that several limits share, or `None`.
        blocks: whether a refused request is answered here, or by the view.
        options: what the gate is made of besides.
    """

    def __init__(
        self,
        limit: str | int | None,
        *,
        key: Any,
        methods: str | Iterable[str] | None,
        scope: str | None,
        block: bool | Any,
        on_breach: Any,
        options: dict[str, Any],
    ) -> None:
        composed = {
            name: options.pop(name)
            for name in ("requests", "period", "burst", "algorithm")
            if name in options
        }
        self.text = limit_string(limit, **composed)
        self.key = key
        self.methods = _methods(methods)
        self.scope = None if scope is None else text_of("scope", scope)
        self.blocks = True
        if isinstance(block, bool):
            self.blocks = block
        else:
            options["block"] = block
        if on_breach is not None:
            options["on_breach"] = on_breach
        refuse_unknown("ratelimit", options, _OPTIONS)
        self.options = options
        # Says now what is wrong.
        make_gate(self.text, **native_options({**options, "key": key}, later))
        self._places: WeakKeyDictionary[object, Place] = WeakKeyDictionary()

    def covers(self, method: str) -> bool:
        """Whether a request with this method is counted."""
        return self.methods is None or method.upper() in self.methods

    def place(self, function: Any) -> Place:
        """Where the count of a function is; the same one however often it is decorated."""
        if self.scope is not None:
            return self._shared(self.scope)
        function = getattr(function, "__func__", function)
        try:
            place = self._places.get(function)
            if place is None:
                place = self._places[function] = Place(self, dotted_name(function))
        except TypeError:  # an object that has no weak references or no hash
            place = Place(self, dotted_name(function))
        return place

    def _shared(self, scope: str) -> Place:
        place = _scopes.get(scope)
        if place is None:
            place = _scopes[scope] = Place(self, scope)
        elif (place.limit.text, place.limit.key) != (self.text, self.key):
            raise ConfigError(
                f"the scope {shorten(scope)} has the limit {shorten(place.limit.text)} and the key "
                f"{shorten(place.limit.key)}, and is now to have {shorten(self.text)} and "
                f"{shorten(self.key)}: one count has one limit"
            )
        return place


class Place:
    """One count: a limit at one view, or a scope."""

    def __init__(self, limit: Limit, name: str) -> None:
        self.limit = limit
        self.name = limit.options.get("name", name)
        places.add(self)

    def door(self) -> Door | None:
        """The door that the setting means now; `None` if limits are off.

        Raises:
            ConfigError: the limit and the setting together make no sense.
        """
        state = current_state()
        if not state.settings.enabled:
            return None
        door = state.of_places.get(self)
        if door is None:
            limit = self.limit
            own: dict[str, Any] = {"name": rule_name(self.name), **limit.options}
            if limit.key is not None:
                own["key"] = limit.key
            elif not state.settings.has_key and not own.get("per_ip"):
                raise ConfigError(
                    f"ratelimit of {self.name} has no `key`, and neither has settings.TIDEGATE: "
                    'say whom to count, such as key="ip" or key="user", or "global" for '
                    "everybody together"
                )
            made = Door.made(limit.text, state.settings.merged(own))
            door = state.of_places.setdefault(self, made)
        return door


def chosen(name: str, value: Any, alias: str, other: Any) -> Any:
    """The value of an argument that has two names."""
    if value is not None and other is not None:
        raise ConfigError(f"`{name}` and `{alias}` are both given: they are one")
    return other if value is None else value


def dotted_name(function: object) -> str:
    """A view's dotted path."""
    own: Any = function if hasattr(function, "__qualname__") else type(function)
    return f"{own.__module__}.{own.__qualname__}"


def _methods(methods: Any) -> frozenset[str] | None:
    if methods is None:
        return None
    names: Any = [methods] if isinstance(methods, str) else methods
    if not isinstance(names, Iterable) or isinstance(names, Mapping):
        raise ConfigTypeError(f"`methods` must be a method or a list, got {shorten(methods)}")
    found: set[str] = set()
    for name in cast("Iterable[object]", names):
        if not isinstance(name, str) or not name.isalpha():
            raise ConfigError(
                f'`methods` must name HTTP methods such as "POST", got {shorten(name)}'
            )
        found.add(name.upper())
    if not found:
        raise ConfigError("`methods` must not be empty: omit it for all")
    # What answers GET answers HEAD.
    return frozenset(found | {"HEAD"} if "GET" in found else found)
