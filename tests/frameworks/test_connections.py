"""Connections: clients that go away, work after the response, HTTP/2, keep-alive."""

import socket
import time
from contextlib import closing
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from tests.frameworks import apps_plain, apps_responses, raw
from tests.frameworks.servers import Connection, serve

PAIRS = [("gunicorn", "wsgi"), ("waitress", "wsgi"), ("uvicorn", "asgi"), ("hypercorn", "asgi")]


def wait_for(log: Path, text: str) -> None:
    """Waits until the application has noted exactly this."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (not log.exists() or log.read_text() != text):
        time.sleep(0.01)
    assert log.exists()
    assert log.read_text() == text


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_stream_is_closed_when_the_client_goes_away(
    pair: tuple[str, str], tmp_path: Path
) -> None:
    server, kind = pair
    log = tmp_path / "log"
    with serve(
        server, f"{kind}_endless", module=apps_responses.__name__, TIDEGATE_TEST_LOG=str(log)
    ) as port:
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(raw.request("GET", "/endless"))
            received = b""
            while len(received) < 100_000:
                received += connection.recv(65536)
        wait_for(log, "closed\n")
        after = [raw.ask(port, "GET").status for _ in range(3)]

    assert b"x-ratelimit-remaining: 2" in received.partition(b"\r\n\r\n")[0].lower()
    assert after == [200, 200, 429]


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn"])
def test_a_background_task_runs_after_an_admitted_request_only(server: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serve(
        server, "asgi_background", module=apps_responses.__name__, TIDEGATE_TEST_LOG=str(log)
    ) as port:
        statuses = [raw.ask(port, "GET").status for _ in range(4)]
        wait_for(log, "worked\n" * 2)

    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_connection_outlives_a_refusal(pair: tuple[str, str]) -> None:
    server, kind = pair
    options = apps_plain.given(limit="1/hour", key="path")
    with (
        serve(server, f"{kind}_app", module=apps_plain.__name__, **options) as port,
        closing(Connection(port)) as connection,
    ):
        statuses = [connection.get(path).status for path in ("/a", "/a", "/b", "/b", "/")]
        sockets = connection.client.sock is not None

    assert statuses == [404, 429, 404, 429, 200]
    assert sockets


def over_http2(port: int, paths: list[str]) -> dict[int, tuple[dict[str, str], bytes]]:
    """Asks for several paths at once over one connection; fields and body, by stream."""
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()
    for number, path in enumerate(paths):
        fields = {":method": "GET", ":path": path, ":scheme": "http", ":authority": "localhost"}
        client.send_headers(2 * number + 1, list(fields.items()), end_stream=True)
    answers: dict[int, tuple[dict[str, str], bytes]] = {}
    unfinished = {2 * number + 1 for number in range(len(paths))}
    with closing(socket.create_connection(("127.0.0.1", port), 20)) as connection:
        connection.sendall(client.data_to_send())
        while unfinished:
            for event in client.receive_data(connection.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    answers[event.stream_id] = (dict(event.headers), b"")
                elif isinstance(event, h2.events.DataReceived):
                    fields, body = answers[event.stream_id]
                    answers[event.stream_id] = (fields, body + event.data)
                    client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    unfinished.discard(event.stream_id)
            connection.sendall(client.data_to_send())
    return answers


def test_http2_streams_are_each_a_request(tmp_path: Path) -> None:
    gate = tmp_path / "open"
    gate.write_bytes(b"open")
    environment = {**apps_plain.given(limit="4/hour"), "TIDEGATE_TEST_GATE": str(gate)}
    with serve("hypercorn", "asgi_app", module=apps_plain.__name__, **environment) as port:
        answers = over_http2(port, ["/", "/missing", "/stream", "/moved", "/", "/"])

    # Streams run beside each other: which two are refused is not said.
    assert [fields[":status"] for fields, _ in answers.values()].count("429") == 2
    for fields, body in answers.values():
        assert fields["x-ratelimit-limit"] == "4"
        assert ("retry-after" in fields) == (fields[":status"] == "429")
        assert body
