"""Asks servers of ASGI applications: by HTTP/1, by HTTP/2 and by WebSocket."""

import socket
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import wsproto
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    RejectConnection,
    TextMessage,
)
from wsproto.events import Request as Handshake

from tests.frameworks.servers import Connection

# The pairs of a server and whether it has the oldest supported versions.
PAIRS = [("uvicorn", False), ("uvicorn", True), ("hypercorn", False), ("hypercorn", True)]
NAMES = ["uvicorn-newest", "uvicorn-oldest", "hypercorn-newest", "hypercorn-oldest"]
FIELDS = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]


def ask(port: int, path: str, client: int, times: int = 1, **headers: str) -> list[Any]:
    """Asks so many times from the address 127.0.0.`client`; gives the responses."""
    with closing(Connection(port, f"127.0.0.{client}")) as connection:
        answers = []
        for _ in range(times):
            answers.append(connection.get(path, **headers))
            if answers[-1].status == 500:
                # Some servers close the connection after an error.
                connection.close()
        return answers


def statuses(port: int, path: str, client: int, times: int, **headers: str) -> list[int]:
    """Asks as `ask` does; gives the statuses."""
    return [answer.status for answer in ask(port, path, client, times, **headers)]


def send(
    port: int, method: str, path: str, client: int, body: str | None = None, **headers: str
) -> tuple[int, Any, bytes]:
    """Sends one request of any method; gives status, header fields and body."""
    with closing(Connection(port, f"127.0.0.{client}")) as connection:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.client.request(method, path, body, fields)
        response = connection.client.getresponse()
        return response.status, response.headers, response.read()


def eventually(happened: Callable[[], bool], seconds: float = 10) -> bool:
    """Asks until something has happened: true, or false if it has not in that time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def handshake(port: int, path: str, client: int) -> tuple[int, str, dict[str, str]]:
    """Opens a WebSocket; gives the status, the first message, and the fields of the response."""
    address = (f"127.0.0.{client}", 0)
    with socket.create_connection(("127.0.0.1", port), 10, source_address=address) as stream:
        protocol = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        stream.sendall(protocol.send(Handshake(host="test", target=path)))
        fields: dict[str, str] = {}
        while True:
            data = stream.recv(65536)
            protocol.receive_data(data or None)
            for event in protocol.events():
                if isinstance(event, RejectConnection):
                    return event.status_code, "", dict(_decoded(event.headers))
                if isinstance(event, AcceptConnection):
                    fields = dict(_decoded(event.extra_headers))
                if isinstance(event, TextMessage):
                    return 101, event.data, fields
                if isinstance(event, CloseConnection):
                    return event.code, "", fields


def ask_h2(port: int, path: str, client: int) -> tuple[dict[str, str], bytes]:
    """Asks by HTTP/2, of which the server is known to speak it; gives the fields and the body."""
    address = (f"127.0.0.{client}", 0)
    with socket.create_connection(("127.0.0.1", port), 10, source_address=address) as stream:
        protocol = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        protocol.initiate_connection()
        wanted = [
            (":method", "GET"),
            (":path", path),
            (":authority", "test"),
            (":scheme", "http"),
        ]
        protocol.send_headers(1, wanted, end_stream=True)
        stream.sendall(protocol.data_to_send())
        fields: dict[str, str] = {}
        body = b""
        while True:
            data = stream.recv(65536)
            assert data, "the server ended the connection"
            for event in protocol.receive_data(data):
                if isinstance(event, ResponseReceived):
                    fields = dict(_texts(event.headers))
                if isinstance(event, DataReceived):
                    body += event.data
                if isinstance(event, StreamEnded):
                    return fields, body
            stream.sendall(protocol.data_to_send())


def _decoded(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode().lower(), value.decode()) for name, value in headers]


def _texts(headers: Any) -> list[tuple[str, str]]:
    return [(str(name).lower(), str(value)) for name, value in headers]
