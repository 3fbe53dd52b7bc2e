"""The request that a key callable of `protect_app` or of a middleware is given.

One shape for ASGI and WSGI, with or without a framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Headers(Mapping[str, str]):
    """The header fields of a request: names in any case, values as latin-1 text.

    A name that was sent several times has its values joined by ", ".
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Request:
    """A request, read only.

    Attributes:
        method: such as "GET"; "GET" for a WebSocket's handshake too.
        path: decoded; bytes that are no UTF-8 are replaced.
        query_string: as it was sent, without the "?".
        client: the address of the peer, a proxy's if there is one; `None` if unknown. For the
            client behind trusted proxies, use the key "ip".
        headers: by name, in any case.
    """

    __slots__ = ("client", "headers", "method", "path", "query_string")

    def __init__(
        self,
        *,
        method: str,
        path: str,
        query_string: str,
        client: str | None,
        headers: Mapping[str, str],
    ) -> None:
        self.method = method
        self.path = path
        self.query_string = query_string
        self.client = client
        self.headers = Headers(headers)

    @classmethod
    def from_asgi(cls, scope: Mapping[str, Any]) -> Request:
        """Reads an ASGI scope."""
        fields: dict[str, str] = {}
        for raw_name, raw_value in scope.get("headers") or ():
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        client = scope.get("client")
        return cls(
            method=scope.get("method", "GET"),
            path=scope.get("path", ""),
            query_string=(scope.get("query_string") or b"").decode("latin-1"),
            client=client[0] if client else None,
            headers=fields,
        )

    @classmethod
    def from_wsgi(cls, environ: Mapping[str, Any]) -> Request:
        """Reads a WSGI environ."""
        fields = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                fields[name.replace("_", "-").lower()] = environ[name]
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        return cls(
            method=environ.get("REQUEST_METHOD", "GET"),
            path=path.encode("latin-1", "replace").decode("utf-8", "replace"),
            query_string=environ.get("QUERY_STRING", ""),
            client=environ.get("REMOTE_ADDR") or None,
            headers=fields,
        )

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name; of several with one name, the first."""
        cookies: dict[str, str] = {}
        for part in self.headers.get("cookie", "").replace(", ", "; ").split(";"):
            name, _, value = part.partition("=")
            cookies.setdefault(name.strip(), value.strip())
        cookies.pop("", None)
        return cookies

    @property
    def query(self) -> dict[str, str]:
        """Decoded parameters by name; of several with one name, the first."""
        from urllib.parse import parse_qsl  # noqa: PLC0415 - slow, and rarely needed

        try:
            pairs = parse_qsl(self.query_string, keep_blank_values=True, max_num_fields=1000)
        except ValueError:
            # More parameters than anybody means: as good as none.
            return {}
        # The first wins, so the last to be written is the first.
        return dict(reversed(pairs))
