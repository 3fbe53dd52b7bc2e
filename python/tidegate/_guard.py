"""The gate in front of one decorated function.

Every function has a gate with one rule of its own, so two functions of one name never share a
count. What a refusal becomes is the business of the running request; see `_current`.
"""

from __future__ import annotations

from inspect import isasyncgenfunction

from tidegate._current import find, outer_address, refuse_anywhere
from tidegate._gate import make_gate
from tidegate._keys import checked_key, is_async, name_of
from tidegate.errors import ConfigError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tidegate._current import Current
    from tidegate._gate import Options
    from tidegate._native import Decision, Gate

# Of a rule's name, in bytes.
_LONGEST_NAME = 128


class Guard:
    """The gate in front of one function."""

    def __init__(
        self,
        function: Callable[..., object],
        limit: str,
        key: str | Callable[..., object] | None,
        options: Options,
    ) -> None:
        self._name = name_of(function)
        self._key = key
        # Whom to believe is said once, around the application, unless said here too.
        by_address = isinstance(key, str) and (key == "ip" or key.startswith("header:"))
        self._asks_outer = by_address and "trusted_proxies" not in options
        self._key_callable = key if callable(key) else None
        own_name: str = getattr(function, "__name__", type(function).__name__)
        shown = own_name.encode()[:_LONGEST_NAME].decode(errors="ignore")
        named: Options = {"name": shown, **options}
        self._gate = make_gate(limit, key=key, **named)
        is_awaited = is_async(function) or isasyncgenfunction(function)
        if self._key_callable is not None and is_async(self._key_callable) and not is_awaited:
            raise ConfigError(
                f"the key callable {name_of(self._key_callable)} is async, and {self._name} is "
                "not: make both async, or neither"
            )

    @property
    def gate(self) -> Gate:
        """The gate itself, for adapters that ask on their own."""
        return self._gate

    def enter(self, args: Any, kwargs: Any) -> tuple[Decision, Current | None]:
        """Charges one call."""
        current = find((*args, *kwargs.values()))
        keys = None
        if self._key_callable is not None:
            answer = self._ask_key(current, args, kwargs)
            keys = {0: checked_key(answer, self._key_callable)}
        return self._admit(current, keys), current

    async def aenter(self, args: Any, kwargs: Any) -> tuple[Decision, Current | None]:
        """Charges one call; the key may have to be awaited."""
        current = find((*args, *kwargs.values()))
        keys = None
        if self._key_callable is not None:
            answer = self._ask_key(current, args, kwargs)
            if hasattr(answer, "__await__"):
                answer = await answer
            keys = {0: checked_key(answer, self._key_callable)}
        if self._gate.waits:
            return await self._aadmit(current, keys), current
        return self._admit(current, keys), current

    def refuse(self, current: Current | None, decision: Decision) -> Any:
        """Raises, or returns the framework's response."""
        if current is None:
            return refuse_anywhere(self._gate, decision)
        return current.refuse(self._gate, decision)

    def _ask_key(self, current: Current | None, args: Any, kwargs: Any) -> Any:
        function = self._key_callable
        assert function is not None
        return function(*args, **kwargs) if current is None else function(current.request)

    def _admit(self, current: Current | None, keys: dict[int, str] | None) -> Decision:
        if current is not None:
            return current.admit(self._gate, keys, self._address())
        self._refuse_without_request()
        return self._gate.admit(keys=keys)

    async def _aadmit(self, current: Current | None, keys: dict[int, str] | None) -> Decision:
        if current is not None:
            return await current.aadmit(self._gate, keys, self._address())
        self._refuse_without_request()
        return await self._gate.aadmit(keys=keys)

    def _address(self) -> str | None:
        return outer_address() if self._asks_outer else None

    def _refuse_without_request(self) -> None:
        if isinstance(self._key, str) and self._key != "global":
            raise ConfigError(
                f"{self._name} is limited by {shorten(self._key)}, which only a request has, and "
                "no request was found: call protect_app on the application, or let the function "
                "take the request, or give `key` a callable of the function's own arguments"
            )
