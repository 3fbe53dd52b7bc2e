"""What the extension is told: by its constructor first, then by `app.config`."""

from __future__ import annotations

from typing import Any, cast

import flask

from tidegate._gate import gate_of
from tidegate._native import Gate
from tidegate.errors import ConfigError, ConfigTypeError, shorten
from tidegate.flask._ask import Question, question
from tidegate.flask._limit import GATE_OPTIONS, refuse_unknown

PREFIX = "TIDEGATE_"
_OWN = frozenset({"config", "default", "enabled", "gate", "limit", "on_breach", "user"})
KNOWN = GATE_OPTIONS | _OWN


class Settings:
    """The settings of one extension in one application.

    Attributes:
        limit: the application-wide limit, or `None`.
        default: the limit of every route that has none of its own, or `None`.
        gate: the user's own gate for the application-wide limit.
        enabled: whether anything is limited at all.
        user: who tells the user's id.
        on_breach: who answers a refused request.
        options: what every gate is made of.
        profile: the header fields to send.
    """

    def __init__(self, given: dict[str, Any], config: flask.Config) -> None:
        found = {**from_config(config), **given}
        self.limit: Any = found.pop("limit", None)
        self.default: Any = found.pop("default", None)
        self.gate: Gate | None = found.pop("gate", None)
        config_file = found.pop("config", None)
        if config_file is not None:
            if self.gate is not None:
                raise ConfigError("`gate` and `config` are both given: give one of the two")
            self.gate = gate_of(config_file, self.limit, {})
            # Limits in code count where the file says, and believe whom it says.
            found = {**self.gate.defaults(), **found}
        self.enabled = _flag("enabled", found.pop("enabled", True))
        self.user: Question | None = question("user", found.pop("user", None))
        self.on_breach: Question | None = question(
            "on_breach", found.pop("on_breach", None), given=2
        )
        self.options: dict[str, Any] = found
        self.profile: Any = found.get("headers", "x-ratelimit")
        if self.gate is not None:
            _check_gate(self.gate, self.limit)

    def merged(self, own: dict[str, Any]) -> dict[str, Any]:
        """What the gate of one limit is made of."""
        options = {**self.options, **own}
        if "key" in own:
            options.pop("per_ip", None)
        elif "per_ip" in own:
            options.pop("key", None)
        return options


def from_config(config: flask.Config) -> dict[str, Any]:
    """The settings in an application's configuration, by their names here.

    Raises:
        ConfigError: for a key that begins with the prefix and means nothing.
    """
    every: dict[str, Any] = cast("Any", config)
    keys = [key for key in every if key.startswith(PREFIX)]
    known = {PREFIX + name.upper(): name for name in KNOWN}
    refuse_unknown("a setting of tidegate in app.config", keys, known, prefix=PREFIX)
    return {known[key]: config[key] for key in keys}


def _check_gate(gate: object, limit: object) -> None:
    if not isinstance(gate, Gate):
        raise ConfigTypeError(f"`gate` must be a tidegate.Gate, got {shorten(gate)}")
    if limit is not None:
        raise ConfigError("`gate` and `limit` are both given: the gate has its limits already")


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigTypeError(f"`{name}` must be True or False, got {shorten(value)}")
    return value
