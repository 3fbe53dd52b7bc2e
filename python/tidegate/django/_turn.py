"""What was decided about one request: by the middleware, by decorators, by throttles.

Kept on the request itself. The header fields of a response are those of the decision that binds
most: a refusal, else the one with the fewest units left.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tidegate._current import consider
from tidegate._native import Decision

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.django._door import Door

_ATTRIBUTE = "_tidegate_turn"


class Turn:
    """One request on its way through a project.

    Attributes:
        has_middleware: whether ours is around it, and will see the response.
        is_decided: whether the application-wide limit has been asked, or need not be.
        is_free: whether the setting frees the request.
        has_view: whether Django has found the view, and the middleware has looked at it.
        settles: what is told to gates when the response is known.
    """

    def __init__(self) -> None:
        self.has_middleware = False
        self.is_decided = False
        self.is_free = False
        self.has_view = False
        self.settles: list[tuple[Door, Decision]] = []
        self._binding: tuple[Decision, Any] | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Turn:
        """The turn of a request, begun by whoever asks first."""
        turn: Turn | None = request.__dict__.get(_ATTRIBUTE)
        if turn is None:
            turn = request.__dict__[_ATTRIBUTE] = cls()
            request.__dict__["tidegate"] = None
        return turn

    def note(self, request: HttpRequest, decision: Decision, headers: Any) -> None:
        """Notes a decision; `request.tidegate` is the one that binds most.

        `headers` is the profile that it is shown in; `None` for the project's.
        """
        if decision and not decision.rule:
            return  # no limit applied
        if self._binding is None or _binds_more(decision, self._binding[0]):
            self._binding = (decision, headers)
            request.__dict__["tidegate"] = decision
        # A middleware of ours around Django writes the fields of what binds most, too.
        consider(decision)

    def fields(self, headers: Any) -> dict[str, str]:
        """The header fields of what binds most, but for Retry-After; `headers` is the profile."""
        if self._binding is None:
            return {}
        decision, own = self._binding
        fields = decision.headers(own or headers)
        fields.pop("Retry-After", None)
        return fields

    def write_fields(self, response: HttpResponseBase, headers: Any) -> None:
        """Puts the header fields of what binds most on a response."""
        for name, value in self.fields(headers).items():
            response.headers[name] = value


def _binds_more(one: Decision, other: Decision) -> bool:
    if bool(one) != bool(other):
        return not one
    if not one:
        return one.retry_after > other.retry_after
    return one.remaining < other.remaining
