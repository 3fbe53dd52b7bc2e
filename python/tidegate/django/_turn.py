"""What was decided about one request: by the middleware, by decorators, by throttles.

Kept on the request itself. The header fields of a response are those of the decision that binds
most: a refusal, else the one with the fewest units left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from tidegate._current import consider
from tidegate._native import Decision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.django._door import Door
    from tidegate.django._state import State


class Turn:
    """One request on its way through a project.

    Attributes:
        state: what the setting meant when the request came to our middleware, which is around it
            then, and will see the response; `None` without one.
        is_decided: whether the application-wide limit has been asked, or need not be.
        is_free: whether the setting frees the request.
        has_view: whether Django has found the view, and the middleware has looked at it.
        settles: what is told to gates when the response is known.
    """

    # Of the class until they change: every request pays for what it is given.
    state: State | None = None
    is_decided = False
    is_free = False
    has_view = False
    settles: Sequence[tuple[Door, Decision]] = ()
    _binding: Decision | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Turn:
        """The turn of a request, begun by whoever asks first."""
        noting: Any = request
        turn: Turn | None = getattr(noting, "_tidegate_turn", None)
        if turn is None:
            turn = noting._tidegate_turn = cls()
            noting.tidegate = None
        return turn

    @staticmethod
    def profile_around(request: object) -> Any:
        """The header fields that our middleware shows; `None` if it is not around the request."""
        turn: Turn | None = getattr(request, "_tidegate_turn", None)
        return None if turn is None or turn.state is None else turn.state.headers

    def note(self, request: HttpRequest, decision: Decision) -> None:
        """Notes a decision; `request.tidegate` is the one that binds most."""
        if decision and not decision.rule:
            return  # no limit applied
        binding = self._binding
        if binding is None or _binds_more(decision, binding):
            self._binding = decision
            request.tidegate = decision  # type: ignore[attr-defined]
        # A middleware of ours around Django writes the fields of what binds most, too.
        consider(decision)

    def settle_later(self, door: Door, decision: Decision) -> None:
        """Notes what a gate is told when the response is known."""
        self.settles = (*self.settles, (door, decision))

    def write_fields(self, written: Any, headers: Any) -> None:
        """Puts the header fields of what binds most into a mapping, but for Retry-After.

        `headers` is the profile, unless the limit has its own.
        """
        if self._binding is None:
            return
        for name, value in self._binding.headers(default=headers).items():
            if name != "Retry-After":
                written[name] = value


def _binds_more(one: Decision, other: Decision) -> bool:
    if bool(one) != bool(other):
        return not one
    if not one:
        return one.retry_after > other.retry_after
    return one.remaining < other.remaining
