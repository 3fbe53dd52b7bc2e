"""Asks the callables of a gate's rules about one request, before the gate decides it.

Written once for functions that return and for those that have to be awaited: the questions are
a generator, and whoever drives it decides what to do with an awaitable.
"""

from __future__ import annotations

import time
from inspect import isawaitable, iscoroutine

from tidegate._keys import checked_key, name_of
from tidegate._native import Answers
from tidegate.errors import ConfigError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeAlias

    from tidegate._native import Gate

    # Yields what a callable returned, is sent what it comes to, and returns the answers.
    Questions: TypeAlias = Generator[Any, Any, Answers]

# Limits of keys that are remembered at once, for each rule; clients choose keys.
_MOST_LIMITS = 10_000


class Asker:
    """The callables of one gate, and the limits that they have told."""

    def __init__(self, gate: Gate) -> None:
        asked = [entry for entry in gate.callables if entry[0] != "charge"]
        self._keys = [(number, rule, call) for kind, number, rule, call in asked if kind == "key"]
        self._costs = [(rule, call) for kind, _, rule, call in asked if kind == "cost"]
        self._exempt = [(rule, call) for kind, _, rule, call in asked if kind == "exempt"]
        self._limits = [
            (rule, call, _Limits(gate.rules[rule].limit_ttl))
            for kind, _, rule, call in asked
            if kind == "limit"
        ]
        self._named = {rule.name: rule.limit for rule in gate.rules}
        self.is_needed = bool(asked)
        self.has_limits = bool(self._limits)

    def questions(
        self,
        request: Callable[[Callable[..., Any]], Any],
        applying: list[int],
        subject: Callable[[int, dict[int, str]], str],
    ) -> Questions:
        """Asks about one request.

        Args:
            request: calls a callable with the request, or with what takes its place.
            applying: positions of the rules that apply to it.
            subject: whom a rule counts, given the keys that are known so far.
        """
        exempt: list[int] = []
        for rule, call in self._exempt:
            if rule in applying and (yield request(call)):
                exempt.append(rule)
        counted = [rule for rule in applying if rule not in exempt]
        keys: dict[int, str] = {}
        for number, rule, call in self._keys:
            if rule in counted:
                keys[number] = checked_key((yield request(call)), call)
        cost: int | None = None
        for rule, call in self._costs:
            if rule in counted:
                cost = max(cost or 0, _checked_cost((yield request(call)), call))
        limits = yield from self._ask_limits(request, counted, subject, keys)
        return Answers(keys, limits, exempt, cost)

    def _ask_limits(
        self,
        request: Callable[[Callable[..., Any]], Any],
        counted: list[int],
        subject: Callable[[int, dict[int, str]], str],
        keys: dict[int, str],
    ) -> Generator[Any, Any, dict[int, str]]:
        limits: dict[int, str] = {}
        for rule, call, known in self._limits:
            if rule not in counted:
                continue
            key = subject(rule, keys)
            is_known, limit = known.find(key)
            if not is_known:
                told = yield request(_with_key(call, key))
                limit = _checked_limit(self._named.get(told, told), call)
                known.keep(key, limit)
            if limit is not None:
                limits[rule] = limit
        return limits


class _Limits:
    """The limits of keys, each for as long as it is good."""

    def __init__(self, ttl: float) -> None:
        self._ttl = ttl
        self._kept: dict[str, tuple[float, str | None]] = {}

    def find(self, key: str) -> tuple[bool, str | None]:
        """Whether the limit of `key` is known, and the limit."""
        expires, limit = self._kept.get(key, (0.0, None))
        return expires > time.monotonic(), limit

    def keep(self, key: str, limit: str | None) -> None:
        """Remembers the limit of `key`."""
        if len(self._kept) >= _MOST_LIMITS:
            self._kept.clear()
        self._kept[key] = (time.monotonic() + self._ttl, limit)


def run(questions: Questions) -> Answers:
    """Asks callables that return."""
    answer = None
    try:
        while True:
            answer = questions.send(answer)
            if iscoroutine(answer):
                answer.close()  # else Python warns that it was never awaited
                raise ConfigError("an async callable works in asynchronous code only")
    except StopIteration as end:
        answers: Answers = end.value
        return answers


async def arun(questions: Questions) -> Answers:
    """Asks callables that return, or have to be awaited."""
    answer = None
    try:
        while True:
            answer = questions.send(answer)
            if isawaitable(answer):
                answer = await answer
    except StopIteration as end:
        answers: Answers = end.value
        return answers


def _with_key(call: Callable[..., Any], key: str) -> Callable[..., Any]:
    def with_key(*args: Any, **kwargs: Any) -> Any:
        return call(key, *args, **kwargs)

    return with_key


def _checked_cost(cost: object, source: object) -> int:
    if isinstance(cost, bool) or not isinstance(cost, int) or cost < 0:
        raise ConfigError(
            f"the cost callable {name_of(source)} must return a whole number of at least 0, "
            f"got {shorten(cost)}"
        )
    return cost


def _checked_limit(limit: object, source: object) -> str | None:
    if limit is not None and not isinstance(limit, str):
        raise ConfigError(
            f"limit_for {name_of(source)} must return a limit string, the name of a rule, or "
            f"None, got {shorten(limit)}"
        )
    return limit
