"""The gates of a project: made of the setting TIDEGATE, and made anew when it is another one."""

from __future__ import annotations

from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.urls import get_resolver

from tidegate._keys import rule_name
from tidegate._limiter import Limiter
from tidegate._native import Gate
from tidegate.django import _marks
from tidegate.django._door import Door
from tidegate.django._plan import Plans
from tidegate.django._settings import Settings

# Of the options, what a limiter takes.
_OF_LIMITER = frozenset({"store", "on_store_error", "lease", "clock"})


class State:
    """The gates that one value of the setting means.

    Attributes:
        settings: the setting, read.
        application: the door that every request passes, or `None`.
        of_places: the doors of decorators, by what the decorator stands for.
        of_routes: the doors of `default`, by route.
        limiters: the limiters of throttles, by name and limit.
        plans: what applies at a view.
        headers: the profile of header fields.
    """

    def __init__(self, source: object) -> None:
        self.source = source
        self.settings = Settings(source)
        self.settings.check()
        gate = self.settings.application_gate()
        self.application: Door | None = None
        if gate is not None:
            self.application = Door(gate, self.settings.options)
        # For answers to what an unknown gate has refused, and for clients' addresses.
        self.plain = Door.made("1/second", _by_address(self.settings))
        self.of_places: WeakKeyDictionary[object, Door] = WeakKeyDictionary()
        self.of_routes: dict[str, Door] = {}
        self.limiters: dict[tuple[str, str], Limiter] = {}
        self.plans = Plans(self)
        self.headers: Any = self.settings.options.get("headers", "x-ratelimit")
        self._behind: dict[int, Gate] = {}
        self._decides_early: bool | None = None

    @property
    def decides_early(self) -> bool:
        """Whether the application-wide limit needs to know neither the view nor the user.

        It is then asked before any other middleware works.
        """
        if self._decides_early is None:
            # Reads the project's URLs, so that every decorator has been at work.
            _ = get_resolver().url_patterns
            needs_view = self.application is not None and self.application.needs_view
            self._decides_early = not (needs_view or self.settings.exempt.names or _marks.exempted)
        return self._decides_early

    def of_route(self, route: str) -> Door:
        """The door of `default` for a route."""
        door = self.of_routes.get(route)
        if door is None:
            assert self.settings.default is not None
            options = self.settings.merged({"name": rule_name(route)})
            made = Door.made(self.settings.default, options)
            # Of two threads, the first decides which one counts.
            door = self.of_routes.setdefault(route, made)
        return door

    def behind(self, hops: int) -> Gate:
        """A gate that knows a client's address behind so many proxies."""
        gate = self._behind.get(hops)
        if gate is None:
            options = {**_by_address(self.settings), "trusted_proxies": hops}
            gate = self._behind.setdefault(hops, Door.made("1/second", options).gate)
        return gate

    def limiter(self, name: str, limit: str) -> Limiter:
        """The limiter of throttles with this name and limit."""
        limiter = self.limiters.get((name, limit))
        if limiter is None:
            given = self.settings.options
            options = {option: given[option] for option in _OF_LIMITER & set(given)}
            made = Limiter(limit, name=name, **options)
            # Of two threads, the first decides which one counts.
            limiter = self.limiters.setdefault((name, limit), made)
        return limiter

    def doors(self) -> list[Door]:
        """Every door that is made so far."""
        first = [] if self.application is None else [self.application]
        return [*first, *list(self.of_routes.values()), *list(self.of_places.values())]


def _by_address(settings: Settings) -> dict[str, Any]:
    kept = (
        "trusted_proxies",
        "forwarded_header",
        "ipv6_prefix",
        "headers",
        "on_breach",
        "template",
    )
    options = {name: settings.options[name] for name in kept if name in settings.options}
    return {**options, "key": "ip"}


_lock = Lock()
_state: State | None = None
# Where Django keeps what was asked for once: every request asks for the setting.
_asked = vars(settings)


def current_state() -> State:
    """The state that the setting means now; tests may have replaced the setting.

    Raises:
        ConfigError: the setting is wrong.
    """
    global _state  # noqa: PLW0603 - one project has one
    source = _asked.get("TIDEGATE")
    if source is None:
        source = getattr(settings, "TIDEGATE", None)
    state = _state
    if state is None or state.source is not source:
        with _lock:
            state = _state
            if state is None or state.source is not source:
                state = _state = State(source)
    return state
