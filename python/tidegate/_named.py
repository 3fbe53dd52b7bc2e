"""The gate in front of a function that is limited by a rule of the configuration."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from tidegate._asking import Asker
from tidegate._current import around
from tidegate._guard import Guard
from tidegate._keys import name_of
from tidegate._native import Gate
from tidegate.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidegate._current import Current
    from tidegate._native import Decision


class NamedGuard(Guard):
    """The gate in front of one function: that of the configuration, for one rule.

    Which configuration is found when the function is called: decorators run before anybody has
    read one.
    """

    def __init__(self, function: Callable[..., object], rule: str) -> None:
        self._name = name_of(function)
        self._rule = rule
        self._of: WeakKeyDictionary[Gate, Gate] = WeakKeyDictionary()
        # What does not matter now may matter once the configuration has changed.
        self.settles = True
        # A configuration has no callables.
        self._asker = Asker(Gate([]))
        self.asks_outer = False
        self._looked: tuple[Gate, int | None] | None = None

    @property
    def gate(self) -> Gate:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """The configuration's gate for this rule."""
        whole = self._whole()
        found = self._of.get(whole)
        if found is None:
            found = whole.named(self._rule)
            self._look(found)
            self._of[whole] = found
        return found

    def enter(self, args: Any, kwargs: Any) -> tuple[Decision, Current | None]:
        """Charges one call."""
        self._look_again()
        return super().enter(args, kwargs)

    async def aenter(self, args: Any, kwargs: Any) -> tuple[Decision, Current | None]:
        """Charges one call; the store may have to be awaited."""
        self._look_again()
        return await super().aenter(args, kwargs)

    def _look_again(self) -> None:
        gate = self.gate
        if self._looked != (gate, gate.version):
            self._look(gate)

    def _look(self, gate: Gate) -> None:
        """Notes what the rule asks for, as it is now."""
        version = gate.version
        [rule] = gate.rules
        if not rule.by_name:
            raise ConfigError(
                f"rule {self._rule!r} applies to every request that it matches, and must not "
                f'count {self._name} once more: give it apply = "by_name" in the '
                "configuration, or leave out the decorator"
            )
        self._key = rule.key
        self._needs_request = rule.key != "global"
        self._needs_form = "form" in gate.needs
        self._looked = gate, version

    def _whole(self) -> Gate:
        noted = around()
        if noted and noted[2].version is not None:
            return noted[2]
        from tidegate._following import latest_gate  # noqa: PLC0415 - for configurations only

        gate = latest_gate()
        if gate is None:
            raise ConfigError(
                f"{self._name} is limited by the rule {self._rule!r} of the configuration, and "
                "none has been read: give protect_app `config`, call tidegate.load_gate, or set "
                "the environment variable TIDEGATE_CONFIG"
            )
        return gate


def refuse_beside(rule: object, others: Mapping[str, Any]) -> None:
    """Raises ConfigError for what a configuration says, and is said beside its rule's name."""
    given = [name for name, value in others.items() if name != "name" and value is not None]
    if given:
        names = ", ".join(f"`{name}`" for name in given)
        raise ConfigError(
            f'a limit is missing: give one such as "100/minute" for {names} to go with; or leave '
            f"{names} out, for the rule {rule!r} of the configuration"
        )
