"""A limit at one place, where it has a count of its own, and the gates that keep the count."""

from __future__ import annotations

from typing import Any

import flask

from tidegate._keys import rule_name
from tidegate.errors import ConfigError, shorten
from tidegate.flask._ask import Question
from tidegate.flask._door import Door
from tidegate.flask._limit import Limit
from tidegate.flask._settings import Settings

# Limits that a callable may tell for one place: more are no plans, but what clients send.
_MOST_LIMITS = 1000


class Bound:
    """A limit at one place.

    Args:
        limit: what a decorator said.
        name: what decisions call it; cut if it is long.
        origin: the place, for people: "route", "blueprint shop", "default", "application".
        settings: what the gate is made of besides.

    Raises:
        ConfigError: no gate can be made of it.
    """

    def __init__(self, limit: Limit, name: str, origin: str, settings: Settings) -> None:
        self.limit = limit
        self.name = rule_name(name)
        self.origin = origin
        self._settings = settings
        # By limit string: a callable may return several.
        self._doors: dict[str, Door] = {}
        # The gate that can be asked at once, with nobody asked before and nobody told after.
        self.at_once: Door | None = None
        if isinstance(limit.value, str):
            door = self._doors[limit.value] = self._made(limit.value)
            if door.is_plain and not limit.asks:
                self.at_once = door

    def elsewhere(self, limit: Limit, origin: str) -> Bound:
        """The same count for another limit that names it."""
        other = Bound.__new__(Bound)
        at_once = None if limit.asks else self.at_once
        other.__dict__.update(self.__dict__, limit=limit, origin=origin, at_once=at_once)
        return other

    @property
    def options(self) -> dict[str, Any]:
        """What its gates are made of."""
        return self._settings.merged({**self.limit.options, "name": self.name})

    def door(self, request: flask.Request) -> Door | None:
        """The gate for a request; `None` where nothing limits it."""
        value = self.limit.value
        if isinstance(value, str):
            return self._doors[value]
        told = value.ask(request)
        if told is None or told == "":
            return None
        if not isinstance(told, str):
            raise ConfigError(
                f"the limit callable {value.name} must return a limit string, got {shorten(told)}"
            )
        door = self._doors.get(told)
        if door is None:
            if len(self._doors) >= _MOST_LIMITS:
                raise ConfigError(
                    f"the limit callable {value.name} has returned more than {_MOST_LIMITS} "
                    "different limits: it must choose from a few"
                )
            # Of two threads, the first decides which one counts.
            door = self._doors.setdefault(told, self._made(told))
        return door

    def cost(self, request: flask.Request) -> int | None:
        """What the request costs; `None` for the usual cost."""
        cost = self.limit.cost
        if not isinstance(cost, Question):
            return cost
        told = cost.ask(request)
        if isinstance(told, bool) or not isinstance(told, int) or told < 0:
            raise ConfigError(
                f"the cost callable {cost.name} must return a whole number of at least 0, "
                f"got {shorten(told)}"
            )
        return told

    def _made(self, value: str) -> Door:
        return Door.made(value, self._settings.user, self.options)


class OwnGate:
    """The user's own gate, in the place of the application-wide limit."""

    limit = None
    at_once = None
    name = "a gate of its own"
    origin = "application"

    def __init__(self, settings: Settings) -> None:
        assert settings.gate is not None
        self._door = Door(settings.gate, settings.user)

    def door(self, request: flask.Request) -> Door:  # noqa: ARG002 - as for a `Bound`
        """The gate."""
        return self._door

    def cost(self, request: flask.Request) -> None:
        """What its rules say."""
