"""What was decided about one request, by however many limits, and the header fields of that.

The decisions of a request are listed in its scope, so that a limit further in is heard of by
`Outside`, which stands around the whole application and writes the fields of the most binding
one on whatever response comes, an error's too.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple, cast

from tidegate._native import Decision, Gate

_TOLD = "tidegate.told"


class Told(NamedTuple):
    """A decision, and the gate that made it."""

    gate: Gate
    decision: Decision


def begin(scope: MutableMapping[str, Any]) -> list[Told]:
    """Starts the list of a request; one that an application further out started goes on."""
    told: list[Told] = scope.setdefault(_TOLD, [])
    return told


def told_to(scope: Mapping[str, Any]) -> list[Told] | None:
    """Returns the list of a request, or `None` if nobody around the application reads it."""
    return scope.get(_TOLD)


def tell(scope: Mapping[str, Any], gate: Gate, decision: Decision) -> None:
    """Notes a decision, if somebody around the application writes its fields.

    It takes the place of an earlier one of the same gate: a WebSocket may ask for each message.
    """
    told = told_to(scope)
    if told is not None:
        told[:] = [known for known in told if known.gate is not gate]
        told.append(Told(gate, decision))
        cast("dict[str, Any]", scope)["tidegate"] = most_binding(told).decision


def most_binding(told: Sequence[Told]) -> Told:
    """The refusal if there is one, else the decision with the smallest share left."""
    return min(told, key=_room)


def _room(told: Told) -> tuple[bool, float]:
    decision = told.decision
    return bool(decision), decision.remaining / decision.limit if decision.limit else 0.0
