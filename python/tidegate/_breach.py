"""What answers a request that may not go ahead: the gate, a template, or the user's callback."""

from __future__ import annotations

import json
from inspect import isawaitable
from typing import Any, NamedTuple, cast

from tidegate._keys import name_of
from tidegate._template import rendered
from tidegate.errors import ConfigError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tidegate._native import Decision, Gate

    Parts = tuple[Any, int | None, Mapping[str, str]]
    Profile = str | Sequence[str]


_NONE: dict[str, str] = {}


class Answer(NamedTuple):
    """A response in no framework's words: the status, header fields, and the body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Own(NamedTuple):
    """A response of the framework's, which goes out as it is."""

    response: Any


def answer(
    gate: Gate,
    decision: Decision,
    told: object,
    accept: str | None = None,
    profile: Profile | None = None,
) -> Answer | Own:
    """Makes the response of what `on_breach` told, which is None when there is none.

    Text and bytes are a body, what JSON knows is a JSON body, and a tuple is a body with a
    status and perhaps header fields; anything else is taken for a response of the framework's.
    The limit's own header fields, and Retry-After, go with all but that; `profile` says which,
    where neither the limit nor a middleware around the application does.
    """
    refusal = gate.refusal(decision, accept, profile)
    if told is None:
        if gate.template is None:
            return Answer(refusal.status, refusal.headers, refusal.body)
        kind, body = rendered(gate.template, decision)
        return _made(refusal.headers, refusal.status, {"Content-Type": kind}, body)
    parts = _parts(told, gate)
    if parts is None:
        return Own(told)
    content, status, fields = parts
    kind, body = _body(content)
    named = {name.lower() for name in fields}
    described = fields if "content-type" in named else {"Content-Type": kind, **fields}
    return _made(refusal.headers, status or refusal.status, described, body)


def ask(gate: Gate, request: object, decision: Decision) -> object:
    """Calls `on_breach`, if there is one; what it returns may have to be awaited."""
    return None if gate.on_breach is None else gate.on_breach(request, decision)


async def aanswer(
    gate: Gate,
    request: object,
    decision: Decision,
    accept: str | None,
    profile: Profile | None = None,
) -> Answer | Own:
    """Asks `on_breach`, awaits it if need be, and makes the response."""
    told = ask(gate, request, decision)
    if isawaitable(told):
        told = await told
    return answer(gate, decision, told, accept, profile)


def _made(
    base: list[tuple[str, str]], status: int, fields: Mapping[str, str], body: bytes
) -> Answer:
    named = {name.lower() for name in fields} | {"content-type", "content-length"}
    kept = [(name, value) for name, value in base if name.lower() not in named]
    length = ("Content-Length", str(len(body)))
    return Answer(status, [*fields.items(), length, *kept], body)


def _parts(told: object, gate: Gate) -> Parts | None:
    if isinstance(told, (str, bytes, dict, list)):
        return cast("Any", told), None, {}
    if not isinstance(told, tuple):
        return None
    content, *rest = _all(told)
    is_right = (
        _is_content(content)
        and 1 <= len(rest) <= 2
        and isinstance(rest[0], int)
        and (len(rest) == 1 or isinstance(rest[1], dict))
    )
    if not is_right:
        raise ConfigError(
            f"on_breach {name_of(gate.on_breach)} must return a response, text, bytes, a dict, "
            f"(body, status), (body, status, headers) or None, got {shorten(cast('object', told))}"
        )
    return cast("Parts", (content, rest[0], _NONE if len(rest) == 1 else rest[1]))


def _all(told: Any) -> list[Any]:
    return list(told)


def _is_content(value: object) -> bool:
    return isinstance(value, (str, bytes, dict, list))


def _body(content: object) -> tuple[str, bytes]:
    if isinstance(content, bytes):
        return "application/octet-stream", content
    if isinstance(content, str):
        return "text/plain; charset=utf-8", content.encode("utf-8", "replace")
    return "application/json", json.dumps(content).encode()
