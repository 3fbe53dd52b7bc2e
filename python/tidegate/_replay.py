"""Reads the form fields that keys ask for from a server, and lets the application read them too."""

from __future__ import annotations

import io

from tidegate._form import LONGEST, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any, TypeAlias

    Receive: TypeAlias = Callable[[], Awaitable[Any]]

_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE", "QUERY")


async def read_asgi(scope: MutableMapping[str, Any], receive: Receive) -> Receive:
    """Puts the form's fields into the scope; returns what the application is to receive from."""
    if scope["type"] != "http" or scope.get("method") not in _WITH_BODY:
        return receive
    kinds = [value for name, value in scope["headers"] if name.lower() == b"content-type"]
    messages: list[Any] = []
    body = b""
    while len(body) <= LONGEST:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    scope["tidegate.form"] = fields(kinds[0].decode("latin-1") if kinds else "", body)
    messages.reverse()

    async def replay() -> Any:
        return messages.pop() if messages else await receive()

    return replay


def read_wsgi(environ: MutableMapping[str, Any]) -> None:
    """Puts the form's fields into the environ, and what was read back in front of its input."""
    if environ.get("REQUEST_METHOD") not in _WITH_BODY:
        return
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit():
        wanted = min(int(length), LONGEST + 1)
    elif environ.get("wsgi.input_terminated"):
        wanted = LONGEST + 1
    else:
        return
    source = environ["wsgi.input"]
    body = source.read(wanted)
    environ["tidegate.form"] = fields(environ.get("CONTENT_TYPE", ""), body)
    rest = source if len(body) > LONGEST else None
    environ["wsgi.input"] = io.BytesIO(body) if rest is None else _Joined(body, rest)


class _Joined(io.RawIOBase):
    """What was read already, and then the rest of the server's input."""

    def __init__(self, start: bytes, rest: Any) -> None:
        self._start = io.BytesIO(start)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Reads as a file does: fewer bytes than asked for only where two inputs meet."""
        if size is None or size < 0:
            return self._start.read() + bytes(self._rest.read())
        return self._start.read(size) or bytes(self._rest.read(size))

    def readline(self, size: int | None = -1) -> bytes:
        """Reads a line."""
        line = self._start.readline(-1 if size is None else size)
        if line.endswith(b"\n") or (size is not None and 0 <= size <= len(line)):
            return line
        return line + bytes(self._rest.readline())
