"""The rules of a configuration file, asked for every request of a Starlette application."""

from __future__ import annotations

from typing import Any

from tidegate._asking import Asker
from tidegate._gate import gate_of
from tidegate._guard import Guard
from tidegate._native import Gate
from tidegate.errors import ConfigError
from tidegate.starlette._limit import RouteLimit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

# What is said of the whole in code, and not in a file.
_BESIDE = ("clock", "on_breach", "template")


def read(
    config: str | PathLike[str], limit: str | int | None, options: dict[str, Any]
) -> tuple[FileLimit | None, dict[str, Any]]:
    """Reads a configuration file.

    Returns:
        The file's rules, `None` where nothing is limited; and the options of limits in code,
        which count where the file says, and believe whom it says.

    Raises:
        ConfigError: what is wrong in the file, or that `limit` is given as well.
    """
    if limit is not None:
        raise ConfigError("`config` and `limit` are both given: say it in the file")
    beside = {name: options[name] for name in _BESIDE if name in options}
    gate = gate_of(config, None, beside)
    own = FileLimit(gate) if options.get("enabled", True) else None
    return own, {**gate.defaults(), **options}


class FileLimit(RouteLimit):
    """The rules of a file, which change when the file does."""

    def __init__(self, gate: Gate) -> None:
        self._profile = gate.defaults().get("headers", "x-ratelimit")
        self.guard = _FileGuard(gate)
        self._asked = f"tidegate.asked.{id(self)}"
        # Whether the end of a request matters may change with the file.
        self.is_plain = False
        self._version = gate.version
        self._needs = gate.needs

    @property
    def needs(self) -> set[str]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        """What the rules want to know, and have wanted to know.

        A need for the user moves the asking behind the middlewares. It does not move back: a
        request under way at that moment would be asked in neither place.
        """
        gate = self.guard.gate
        if gate.version != self._version:
            self._version = gate.version
            self._needs = self._needs | gate.needs
        return self._needs


class _FileGuard(Guard):
    """The guard of a gate that there is already, of whose rules none has a callable."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.settles = gate.settles
        self._name, self._key = "the application", None
        self.asks_outer = self._needs_request = self._needs_form = False
        self._asker = Asker(gate)
