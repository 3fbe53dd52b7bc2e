"""Every rule of a project, and the keys that it counts: what the admin page shows and resets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tidegate._keys import name_of
from tidegate._limiter import Limiter
from tidegate._native import Decision
from tidegate.django import _limit, _urls
from tidegate.django._door import Door
from tidegate.django._keys import needs_user
from tidegate.django._marks import has_limit, is_exempt
from tidegate.django._state import State

_MEMORY = "memory://"
# Most keys that a list shows.
MOST = 100
# What else has limits, REST framework's throttles for one: each makes all its limiters.
makers: list[Callable[[State], None]] = []


class Counted(NamedTuple):
    """A key of a rule, as a list shows it."""

    key: str
    remaining: object
    limit: object


class Row:
    """One rule.

    Attributes:
        name: the rule's name.
        limit: its limits.
        key: whom it counts, for people.
        note: who shares its counts.
    """

    def __init__(self, name: str, limit: str, key: object, store: object) -> None:
        self.name = name
        self.limit = limit
        self.key = _described(key)
        self.is_global = key == "global"
        self.note = _note(store)

    def list(self, prefix: str) -> list[Counted]:
        """The keys that begin with a prefix, at most `MOST`.

        Raises:
            ConfigError: the store keeps no keys that can be listed.
            StoreError: the store gives no answer.
        """
        raise NotImplementedError

    def inspect(self, key: str) -> Decision:
        """How a key stands. Takes nothing. Raises as `list` does."""
        raise NotImplementedError

    def reset(self, key: str) -> None:
        """Lets the rule forget a key. Raises as `list` does."""
        raise NotImplementedError


class _OfGate(Row):
    def __init__(self, door: Door, rule: Any) -> None:
        super().__init__(rule.name, rule.limit, rule.key, door.options.get("store", _MEMORY))
        self._gate: Any = door.gate

    def list(self, prefix: str) -> list[Counted]:
        return _listed(self._gate.keys(prefix, limit=MOST), self.name)

    def inspect(self, key: str) -> Decision:
        decision: Decision = self._gate.inspect(self.name, key)
        return decision

    def reset(self, key: str) -> None:
        self._gate.reset(self.name, key)


class _OfLimiter(Row):
    def __init__(self, limiter: Limiter, store: object) -> None:
        super().__init__(limiter.name, limiter.limit, "what its throttle says", store)
        self._limiter: Any = limiter

    def list(self, prefix: str) -> list[Counted]:
        return _listed(self._limiter.keys(prefix, limit=MOST), self.name)

    def inspect(self, key: str) -> Decision:
        decision: Decision = self._limiter.peek(key)
        return decision

    def reset(self, key: str) -> None:
        self._limiter.reset(key)


def rows(state: State) -> list[Row]:
    """Every rule of a project, those that nobody has asked yet included."""
    for route in _urls.routes():
        is_own = has_limit(route.view, "GET") or is_exempt(route.view, "GET")
        if state.settings.default is not None and not is_own:
            state.of_route(route.template)
    for place in sorted(_limit.places, key=lambda place: place.name):
        place.door()
    for make in makers:
        make(state)
    found: dict[str, Row] = {}
    for door in state.doors():
        for rule in door.gate.rules:
            found.setdefault(rule.name, _OfGate(door, rule))
    store = state.settings.options.get("store", _MEMORY)
    for limiter in list(state.limiters.values()):
        found.setdefault(limiter.name, _OfLimiter(limiter, store))
    return list(found.values())


def _listed(keys: Any, rule: str) -> list[Counted]:
    return [
        Counted(counted.key, counted.remaining, counted.limit)
        for counted in keys
        # A key that was too long to be kept is known by its digest alone.
        if counted.rule == rule and counted.key is not None
    ]


def _described(key: Any) -> str:
    if isinstance(key, (list, tuple)):
        parts: list[Any] = list(key)  # pyright: ignore[reportUnknownArgumentType]
        return " and ".join(_described(part) for part in parts)
    if needs_user(key):
        return "user"
    return key if isinstance(key, str) else name_of(key)


def _note(store: object) -> str:
    if not isinstance(store, str):
        return "counted in a store of the project's own"
    if store.startswith(_MEMORY):
        return "counted in this process alone: every other one has counts of its own"
    if store.startswith("shared://"):
        return "counted by all processes of this machine together"
    server = "PostgreSQL" if store.startswith("postgres") else "Redis"
    return f"counted in {server}, by all who use it"
