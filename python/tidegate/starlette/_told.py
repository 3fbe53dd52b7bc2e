"""What was decided about one request, by however many limits, and the header fields of that.

The decisions of a request are listed in its scope, so that a limit further in is heard of by
`Outside`, which stands around the whole application and writes the fields of the most binding
one on whatever response comes, an error's too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple, cast

from tidegate._native import Decision, Gate

_TOLD = "tidegate.told"


class Told(NamedTuple):
    """A decision, and who made it."""

    source: object
    gate: Gate
    decision: Decision
    profile: str | Sequence[str]


def begin(scope: MutableMapping[str, Any]) -> list[Told]:
    """Starts the list of a request; one that an application further out started goes on."""
    told: list[Told] = scope.setdefault(_TOLD, [])
    return told


def told_to(scope: Mapping[str, Any]) -> list[Told] | None:
    """Returns the list of a request, or `None` if nobody around the application reads it."""
    return scope.get(_TOLD)


def tell(scope: Mapping[str, Any], told: Told) -> bool:
    """Notes a decision; false when nobody around the application will write its fields."""
    noted = told_to(scope)
    if noted is None:
        return False
    noted.append(told)
    cast("dict[str, Any]", scope)["tidegate"] = most_binding(noted).decision
    return True


def most_binding(told: Sequence[Told]) -> Told:
    """The refusal if there is one, else the decision with the smallest share left."""
    return min(told, key=_room)


def write(headers: Iterable[tuple[bytes, bytes]], told: Told) -> list[tuple[bytes, bytes]]:
    """Returns the header fields of a response with those of a decision, in place of older ones."""
    fields = told.decision.headers(told.profile)
    ours = {name.lower().encode(): value.encode() for name, value in fields.items()}
    if told.decision:
        ours.pop(b"retry-after", None)
    kept = [(name, value) for name, value in headers if name.lower() not in ours]
    return [*kept, *ours.items()]


def _room(told: Told) -> tuple[bool, float]:
    decision = told.decision
    return bool(decision), decision.remaining / decision.limit if decision.limit else 0.0
