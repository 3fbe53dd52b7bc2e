"""The form fields that keys ask for, out of a request's body, which stays readable.

Knows bytes and a content type; reading them from a server is the middlewares' business.
"""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from json import loads
from typing import Any, cast
from urllib.parse import parse_qsl

LONGEST = 1 << 20
"""Bytes of a body that are looked through for fields."""

_MOST_FIELDS = 1000

# What every field of a form is that nobody can read. One count for all who send such, so that
# to hide a field gains nothing.
_UNREADABLE = "\0unreadable"


class _Unreadable(dict[str, str]):
    """A form that cannot be read: whatever is asked for is there, and the same for everybody."""

    def __missing__(self, name: str) -> str:
        return _UNREADABLE


def fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form or of a JSON object; empty when the body is neither.

    A body of more than `LONGEST` bytes, and one that is not what it says it is, has one value for
    every field.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data") and not (
        kind == "application/json" or kind.endswith("+json")
    ):
        return {}
    if len(body) > LONGEST:
        return _Unreadable()
    try:
        if kind == "multipart/form-data":
            return _multipart(content_type, body)
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(
                body.decode("utf-8", "surrogateescape"),
                keep_blank_values=True,
                max_num_fields=_MOST_FIELDS,
                errors="surrogateescape",
            )
            return dict(reversed(pairs))
        value = loads(body)
    except (ValueError, LookupError, RecursionError):
        return _Unreadable()
    if not isinstance(value, dict):
        return {}
    found = cast("dict[str, Any]", value)
    return {name: str(field) for name, field in found.items() if _is_plain(field)}


def _is_plain(value: Any) -> bool:
    return isinstance(value, (str, int, float))


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if not message.is_multipart():
        return _Unreadable()
    found: dict[str, str] = {}
    parts = cast("list[Any]", message.get_payload())
    for part in parts[:_MOST_FIELDS]:
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and part.get_filename() is None:
            payload = part.get_payload(decode=True) or b""
            found.setdefault(name, payload.decode("utf-8", "surrogateescape"))
    return found
