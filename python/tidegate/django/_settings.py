"""Reads the setting TIDEGATE: all that is wrong with it, each with the id of its system check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from inspect import signature
from typing import Any, NamedTuple, cast

from tidegate._arguments import limit_string
from tidegate._gate import gate_of, make_gate
from tidegate._native import Gate, Rule
from tidegate.django._door import Door
from tidegate.django._exempt import Exempt
from tidegate.django._keys import native_options
from tidegate.errors import ConfigError, ConfigTypeError, shorten

_OWN = frozenset({"config", "default", "enabled", "exempt", "gate", "limit", "rules"})
# What every limit of a project is made of; the compiled module's options, as they are today.
GATE_OPTIONS = frozenset(signature(make_gate).parameters) - _OWN
KNOWN = GATE_OPTIONS | _OWN
# Of the options, what is said once for several rules.
_OF_GATE = frozenset(
    {
        *("store", "trusted_proxies", "forwarded_header", "ipv6_prefix", "headers", "clock"),
        *("allow", "deny", "on_breach", "template"),
    }
)


class Problem(NamedTuple):
    """Something wrong with the setting."""

    id: str
    text: str


class Settings:
    """The setting, read.

    Attributes:
        limit: the application-wide limit, or `None`.
        default: the limit of every view that has none of its own, or `None`.
        rules: rules for the whole application, behind `limit`.
        gate: the user's own gate, instead of both.
        enabled: whether anything is limited at all.
        exempt: what is freed from all of these.
        options: what every gate is made of.
        problems: what is wrong.
    """

    def __init__(self, source: object) -> None:
        self.limit: str | int | None = None
        self.default: str | int | None = None
        self.rules: list[Rule] = []
        self.gate: Gate | None = None
        self.enabled = True
        self.exempt = Exempt(())
        self.options: dict[str, Any] = {}
        self.problems = list(self._read(source))

    def check(self) -> None:
        """Raises ConfigError for the first problem."""
        if self.problems:
            problem = self.problems[0]
            raise ConfigError(f"settings.TIDEGATE: {problem.text} (tidegate.{problem.id})")

    @property
    def has_key(self) -> bool:
        """Whether limits that name no key have one."""
        return self.options.get("key") is not None or self.options.get("per_ip") is True

    def merged(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """What the gate of one limit is made of."""
        options = {**self.options, **own}
        if own.get("key") is not None:
            options.pop("per_ip", None)
        elif own.get("per_ip"):
            options.pop("key", None)
        return options

    def application_gate(self) -> Gate | None:
        """The gate that every request passes, if there is one."""
        if self.gate is not None:
            return self.gate
        rules = list(self.rules)
        if self.limit is not None:
            named = {"name": "application", **self.options}
            rules[:0] = Door.made(self.limit, named).gate.rules
        native = native_options(self.options)
        of_gate = {name: native[name] for name in _OF_GATE & set(native)}
        if not rules and not of_gate.get("deny"):
            return None
        return Gate(rules, **of_gate)

    def _read(self, source: object) -> Iterator[Problem]:
        if source is None:
            return
        given = _as_dict(source)
        if given is None:
            yield Problem("E001", f"must be a dict, got {shorten(source)}")
            return
        yield from _unknown(given)
        self.options = {name: given[name] for name in given if name in GATE_OPTIONS}
        if given.get("config") is not None:
            try:
                given = self._with_file(given)
            except ConfigError as error:
                yield Problem("E010", f"`config`: {error}")
                return
        yield from self._read_options()
        yield from self._read_limits(given)
        yield from self._read_rules(given)
        yield from self._read_rest(given)

    def _with_file(self, given: dict[Any, Any]) -> dict[Any, Any]:
        """What is given, with the gate of a configuration file in place of the file.

        Limits in code count where the file says, and believe whom it says.
        """
        if given.get("gate") is not None:
            raise ConfigError("`gate` is given too: give one of the two")
        native = native_options(self.options)
        beside = {name: native[name] for name in ("on_breach",) if name in self.options}
        gate = gate_of(given["config"], None, beside)
        self.options = {**gate.defaults(), **self.options}
        return {**given, "gate": gate}

    def _read_options(self) -> Iterator[Problem]:
        # One after the other, so that each that is wrong is told; some mean something only
        # beside another, and get a second chance.
        given, self.options = self.options, {}
        for names in (list(given), [name for name in given if name not in self.options]):
            for name in names:
                try:
                    Door.made("1/second", {**self.options, name: given[name]})
                except (ConfigError, TypeError, OverflowError):
                    continue
                self.options[name] = given[name]
        for name in given:
            if name not in self.options:
                try:
                    Door.made("1/second", {**self.options, name: given[name]})
                except (ConfigError, TypeError, OverflowError) as error:
                    yield Problem("E003", _about(name, error))

    def _read_limits(self, given: dict[Any, Any]) -> Iterator[Problem]:
        for name in ("limit", "default"):
            value = given.get(name)
            if value is None:
                continue
            try:
                limit_string(value)
            except ConfigError as error:
                yield Problem("E004", _about(name, error))
                continue
            setattr(self, name, value)
            if not self.has_key and "key" not in given:
                yield Problem(
                    "E005",
                    f'`{name}` has no "key": say whom to count, such as "ip" or "user", or '
                    '"global" for everybody together',
                )

    def _read_rules(self, given: dict[Any, Any]) -> Iterator[Problem]:
        rules = _as_list(given.get("rules", ()))
        if rules is None:
            yield Problem("E006", f"`rules` must be a list, got {shorten(given['rules'])}")
            return
        for number, rule in enumerate(rules):
            try:
                self.rules.append(_rule(rule))
            except (ConfigError, TypeError, OverflowError) as error:
                yield Problem("E006", f"`rules[{number}]`: {error}")
        gate = given.get("gate")
        if gate is not None and not isinstance(gate, Gate):
            yield Problem("E007", f"`gate` must be a tidegate.Gate, got {shorten(gate)}")
        elif gate is not None and (self.limit is not None or self.rules):
            yield Problem("E007", "`gate` is given beside `limit` or `rules`: it has its own rules")
        else:
            self.gate = gate
        try:
            self.application_gate()
        except (ConfigError, TypeError) as error:
            yield Problem("E006", f"`rules`: {error}")

    def _read_rest(self, given: dict[Any, Any]) -> Iterator[Problem]:
        entries = _as_list(given.get("exempt", ()))
        if entries is None or not all(isinstance(entry, str) and entry for entry in entries):
            yield Problem(
                "E008",
                "`exempt` must be a list of view names and path globs, such as "
                f'["health", "/static/**"], got {shorten(given["exempt"])}',
            )
        else:
            self.exempt = Exempt(entries)
        enabled = given.get("enabled", True)
        if isinstance(enabled, bool):
            self.enabled = enabled
        else:
            yield Problem("E009", f"`enabled` must be True or False, got {shorten(enabled)}")


def _as_dict(value: Any) -> dict[Any, Any] | None:
    """A dict of what is one or as good as one, else `None`."""
    if not isinstance(value, Mapping):
        return None
    found: dict[Any, Any] = dict(value)  # pyright: ignore[reportUnknownArgumentType]
    return found


def _as_list(value: Any) -> list[Any] | None:
    return list(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else None


def refuse_unknown(what: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    """Raises ConfigError for names that mean nothing."""
    for name in given:
        if name not in known:
            raise ConfigError(f"{what} takes no {shorten(name)}{_hint(name, known)}")


def _unknown(given: dict[Any, Any]) -> Iterator[Problem]:
    for name in given:
        if not isinstance(name, str) or name not in KNOWN:
            yield Problem("E002", f"unknown key {shorten(name)}{_hint(name, KNOWN)}")


def _hint(name: object, known: frozenset[str]) -> str:
    close = get_close_matches(str(name).lower(), sorted(known), 1)
    return f": did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def _about(name: str, error: Exception) -> str:
    text = str(error)
    return text if f"`{name}`" in text else f"`{name}`: {text}"


def _rule(given: object) -> Rule:
    if isinstance(given, Rule):
        return given
    found = _as_dict(given)
    if found is None:
        raise ConfigTypeError(f"must be a dict or a tidegate.Rule, got {shorten(given)}")
    options: dict[str, Any] = {str(name): value for name, value in found.items()}
    missing = [name for name in ("name", "limit", "key") if name not in options]
    if missing:
        hint = '; "global" counts everybody together' if missing == ["key"] else ""
        raise ConfigError(f"`{missing[0]}` is missing{hint}")
    options["limit"] = limit_string(options["limit"])
    options = native_options(options)
    return Rule(options.pop("name"), options.pop("limit"), **options)
