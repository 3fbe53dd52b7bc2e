"""The gate in front of one decorated function.

Every function has a gate with one rule of its own, so two functions of one name never share a
count. What a refusal becomes is the business of the running request; see `_current`.
"""

from __future__ import annotations

from inspect import isasyncgenfunction
from typing import Any, cast

from tidegate._asking import Asker, arun, run
from tidegate._current import consider, find, outer_address, refuse_anywhere
from tidegate._gate import make_gate
from tidegate._keys import is_async, name_of, rule_name
from tidegate._settling import charges
from tidegate.errors import ConfigError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tidegate._asking import Questions
    from tidegate._current import Current
    from tidegate._native import Answers, Decision
    from tidegate._options import Keys, Options

# The sources of keys that are known outside of requests too.
_ANYWHERE = ("global",)


class Guard:
    """The gate in front of one function."""

    def __init__(
        self,
        function: Callable[..., object],
        limit: str,
        key: Keys | None,
        options: Options,
    ) -> None:
        self._name = name_of(function)
        self._key = key
        is_list = isinstance(key, (list, tuple))
        sources: Sequence[object] = cast("Sequence[object]", key) if is_list else [key]
        # Whom to believe is said once, around the application, unless said here too.
        by_address = any(isinstance(it, str) and it not in _ANYWHERE for it in sources)
        self.asks_outer = by_address and "trusted_proxies" not in options
        self._needs_request = by_address
        named: Options = {"name": rule_name(_name_in(function, options)), **options}
        self.gate = make_gate(limit, key=cast("Any", key), **named)
        self.settles = self.gate.settles
        self._asker = Asker(self.gate)
        self._needs_form = "form" in self.gate.needs
        # Whether a request can be charged at once, with nobody asked and nobody told.
        self.is_plain = not (self.gate.callables or self.gate.waits or self.settles)
        is_awaited = is_async(function) or isasyncgenfunction(function)
        if not is_awaited:
            self._refuse_async_callables()

    def enter(self, args: Any, kwargs: Any) -> tuple[Decision, Current | None]:
        """Charges one call."""
        current = find((*args, *kwargs.values()))
        answers = None
        if self._asker.is_needed:
            answers = run(self._questions(current, args, kwargs))
        return self._told(self._admit(current, answers), current), current

    async def aenter(self, args: Any, kwargs: Any) -> tuple[Decision, Current | None]:
        """Charges one call; callables and the store may have to be awaited."""
        current = find((*args, *kwargs.values()))
        if self._needs_form and current is not None:
            await current.read()
        answers = None
        if self._asker.is_needed:
            answers = await arun(self._questions(current, args, kwargs))
        if self.gate.waits:
            return self._told(await self._aadmit(current, answers), current), current
        return self._told(self._admit(current, answers), current), current

    def refuse(self, current: Current | None, decision: Decision) -> Any:
        """Raises, or returns the framework's response."""
        if current is None:
            return refuse_anywhere(self.gate, decision)
        return current.refuse(self.gate, decision)

    async def arefuse(self, current: Current | None, decision: Decision) -> Any:
        """Refuses as `refuse` does, where `on_breach` may have to be awaited."""
        if current is None:
            return refuse_anywhere(self.gate, decision)
        return await current.arefuse(self.gate, decision)

    def leave(self, current: Current | None, decision: Decision, end: object) -> None:
        """Tells the end of a call: what it returned, or raised."""
        if self.gate.settles:
            status, told = self._ending(current, end)
            self.gate.settle(decision, status, charges=told)

    async def aleave(self, current: Current | None, decision: Decision, end: object) -> None:
        """Tells the end of a call without blocking the event loop."""
        if self.gate.settles:
            status, told = self._ending(current, end)
            await self.gate.asettle(decision, status, charges=told)

    def _ending(
        self, current: Current | None, end: object
    ) -> tuple[int | None, dict[int, bool] | None]:
        if current is not None:
            status = current.status_of(end)
        else:
            status = None if isinstance(end, BaseException) else 200
        return status, charges(self.gate, end)

    def _questions(self, current: Current | None, args: Any, kwargs: Any) -> Questions:
        if current is None:
            self._refuse_without_request()
            return self._asker.questions(
                lambda call: call(*args, **kwargs), [0], lambda _, keys: keys.get(0, "")
            )
        found, address = current, self._address(current)

        def subject(rule: int, keys: dict[int, str]) -> str:
            return found.subject(self.gate, rule, keys, address)

        applying = found.applying(self.gate)
        return self._asker.questions(lambda call: call(found.request), applying, subject)

    def _admit(self, current: Current | None, answers: Answers | None) -> Decision:
        if current is not None:
            return current.admit(self.gate, answers, self._address(current))
        self._refuse_without_request()
        return self.gate.admit(keys=answers)

    async def _aadmit(self, current: Current | None, answers: Answers | None) -> Decision:
        if current is not None:
            return await current.aadmit(self.gate, answers, self._address(current))
        self._refuse_without_request()
        return await self.gate.aadmit(keys=answers)

    def _told(self, decision: Decision, current: Current | None) -> Decision:
        consider(decision, None if current is None else current.environ)
        return decision

    def _address(self, current: Current | None) -> str | None:
        if not self.asks_outer:
            return None
        return outer_address(None if current is None else current.environ)

    def _refuse_without_request(self) -> None:
        if self._needs_request:
            raise ConfigError(
                f"{self._name} is limited by {shorten(self._key)}, which only a request has, and "
                "no request was found: call protect_app on the application, or let the function "
                "take the request, or give `key` a callable of the function's own arguments"
            )

    def _refuse_async_callables(self) -> None:
        for kind, _, _, call in self.gate.callables:
            if is_async(call):
                raise ConfigError(
                    f"the {kind} callable {name_of(call)} is async, and {self._name} is not: make "
                    "both async, or neither"
                )


def _name_in(function: Callable[..., object], options: Options) -> str:
    """What the rule of a function is called: by its full name where others count too.

    A store in this process is the guard's alone; in any other, a function of the same name in
    another module must have a count of its own.
    """
    own: Any = function if hasattr(function, "__qualname__") else type(function)
    if options.get("store", "memory://") == "memory://":
        name: str = getattr(function, "__name__", type(function).__name__)
        return name
    return f"{own.__module__}.{own.__qualname__}"
