"""Requests as bytes, for what no client would send, and answers as they came."""

import errno
import socket
from contextlib import closing
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One response. `fields` are the header fields as they came, names in lower case."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """The values of a field, in order."""
        return [value for field, value in self.fields if field == name]

    def value(self, name: str) -> str | None:
        """The value of a field that stands at most once; `None` when it is not there."""
        values = self.values(name)
        assert len(values) <= 1, self.fields
        return values[0] if values else None


def request(method: str, path: str = "/", *lines: str, body: bytes = b"") -> bytes:
    """The bytes of a request, after which the server closes. A character is a byte."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def send(port: int, data: bytes, *, source: str = "127.0.0.1", ends: bool = False) -> Answer | None:
    """Sends bytes to a server and reads until it closes; `None` when it closes without a word.

    With `ends`, tells the server that nothing more will come.
    """
    address = ("127.0.0.1", port)
    with closing(socket.create_connection(address, 20, source_address=(source, 0))) as connection:
        received = b""
        try:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                received += part
        except OSError as error:
            # A server that has refused need not read the rest.
            if error.errno not in {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN}:
                raise
    return read(received) if received else None


def ask(port: int, method: str, path: str = "/", *lines: str, source: str = "127.0.0.1") -> Answer:
    """Sends a request without a body; the server must answer."""
    answer = send(port, request(method, path, *lines), source=source)
    assert answer is not None, "the server closed the connection"
    return answer


def read(received: bytes) -> Answer:
    """Takes a response apart."""
    head, _, body = received.partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    assert start.startswith("HTTP/1."), received
    pairs = (line.partition(":") for line in lines)
    fields = [(name.lower(), value.strip()) for name, _, value in pairs]
    if ("transfer-encoding", "chunked") in fields:
        body = _unchunked(body)
    return Answer(int(start.split()[1]), fields, body)


def _unchunked(body: bytes) -> bytes:
    joined = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            break
        joined, body = joined + rest[:length], rest[length + 2 :]
    return joined
