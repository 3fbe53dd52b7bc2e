"""What the end of a request means for its rules, where callables of the user know that."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tidegate._native import Gate


class Response:
    """A response as a `charge_on` callable of a middleware is given it.

    Attributes:
        status_code: the HTTP status; 500 when the application raised.
        headers: by name, in lower case.
    """

    __slots__ = ("headers", "status_code")

    def __init__(self, status_code: int, headers: Mapping[str, str]) -> None:
        self.status_code = status_code
        self.headers = headers

    @classmethod
    def begun(cls, status: int | None, headers: Any) -> Response:
        """Reads what a server was told: a status, and pairs of text or of bytes."""
        fields: dict[str, str] = {}
        for name, value in headers or ():
            fields[_text(name).lower()] = _text(value)
        return cls(500 if status is None else status, fields)


def charges(gate: Gate, response: Any) -> dict[int, bool] | None:
    """Asks the `charge_on` callables about a response; None when there are none."""
    asked = [(rule, call) for kind, _, rule, call in gate.callables if kind == "charge"]
    return {rule: bool(call(response)) for rule, call in asked} if asked else None


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
