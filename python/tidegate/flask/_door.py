"""A gate as Flask asks it: with the answers of key callables, and with facts about the user."""

from __future__ import annotations

from typing import Any

import flask

from tidegate._gate import make_gate
from tidegate._keys import checked_key
from tidegate._native import Decision, Gate, Rule
from tidegate.errors import ConfigError
from tidegate.flask._ask import Question
from tidegate.flask._facts import supply, user_in


def _knows_users() -> bool:
    try:
        Rule("user", "1/second", key="user")
    except ConfigError:
        return False
    return True


_KNOWS_USERS = _knows_users()


class Door:
    """One gate, and whom to ask before it decides."""

    __slots__ = ("_by_user", "_keys", "_needs", "_user", "gate")

    def __init__(self, gate: Gate, user: Question | None, *, by_user: bool = False) -> None:
        self.gate = gate
        self._user = user
        self._keys = [(rule, Question("key", key)) for rule, key in gate.key_callables]
        self._by_user = by_user
        needs = frozenset(getattr(gate, "needs", ()))
        self._needs = needs | {"user"} if by_user else needs

    @classmethod
    def made(cls, limit: str, user: Question | None, options: dict[str, Any]) -> Door:
        """Makes a gate with one rule, and the door to it."""
        by_user = options.get("key") == "user" and not _KNOWS_USERS
        if by_user:
            options = {**options, "key": user_in}
        return cls(make_gate(limit, **options), user, by_user=by_user)

    def decide(self, request: flask.Request, cost: int | None, address: str | None) -> Decision:
        """Asks the gate about a request."""
        if self._needs:
            supply(self._needs, request, self._user)
        keys = None
        if self._by_user:
            keys = {0: self._user_or_address(request, address)}
        elif self._keys:
            keys = {rule: checked_key(key.ask(request), key.function) for rule, key in self._keys}
        environ = request.environ
        return self.gate.admit_wsgi(environ, keys=keys, cost=cost, address=address)

    def _user_or_address(self, request: flask.Request, address: str | None) -> str:
        user = user_in(request.environ)
        if user is None:
            return address or self.gate.address_wsgi(request.environ)
        return checked_key(f"user:{user}", self._user)
