"""What no sound client sends, as bytes: each is answered, and never with a 500 of our making."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.frameworks import apps_plain, raw
from tests.frameworks.apps_plain import given
from tests.frameworks.servers import Connection, serve

PAIRS = [
    ("gunicorn", "wsgi"),
    ("waitress", "wsgi"),
    ("uvicorn", "asgi"),
    ("hypercorn", "asgi"),
    ("daphne", "asgi"),
]
LARGE = "x" * 65536
DEEP = "/a" * 10_000
CUT = ("Transfer-Encoding: chunked", "Content-Type: text/plain")

# What servers themselves refuse: the request line or the fields are malformed or too large, the
# method is not known, the body does not come.
REFUSED = {400, 403, 405, 408, 414, 431, 501, 505}

REQUESTS = {
    "a field of 64 KiB": raw.request("GET", "/", f"X-Large: {LARGE}"),
    "an API key of 64 KiB": raw.request("GET", "/", f"X-Api-Key: {LARGE}"),
    "a forwarding field of 64 KiB": raw.request("GET", "/", f"X-Forwarded-For: {LARGE}"),
    "64 KiB of commas": raw.request("GET", "/", "X-Forwarded-For: " + "," * 65536),
    "an Accept field of 64 KiB": raw.request("GET", "/", "Accept: " + "a/b;q=0.1," * 6500),
    "a cookie of 7 KiB without end": raw.request("GET", "/", "Cookie: " + "a=b;" * 1800),
    "a thousand fields": raw.request("GET", "/", *(f"X-{n}: {n}" for n in range(1000))),
    "a path that is no UTF-8": raw.request("GET", "/%ff%fe%80"),
    "a path that is no UTF-8, not quoted": raw.request("GET", "/\u00ff\u00fe"),
    "half a character": raw.request("GET", "/%e2%82"),
    "a surrogate in the path": raw.request("GET", "/%ed%a0%80"),
    "a NUL in the path": raw.request("GET", "/a%00b"),
    "a broken escape": raw.request("GET", "/%zz%"),
    "ten thousand segments": raw.request("GET", DEEP),
    "ten thousand dots": raw.request("GET", "/.." * 1_300),
    "a query of 4 KB without a name": raw.request("GET", "/?" + "&=" * 2_000),
    "no path": raw.request("GET", ""),
    "the asterisk": raw.request("OPTIONS", "*"),
    "a whole URL": raw.request("GET", "http://example.org/items/1"),
    "a method that nobody knows": raw.request("BREW", "/"),
    "a method in another alphabet": raw.request("G\u00c9T", "/"),
    "a method of 2 KB": raw.request("G" * 2000, "/"),
    "a field without a colon": raw.request("GET", "/", "nonsense"),
    "a field without a name": raw.request("GET", "/", ": nameless"),
    "a NUL in a field": raw.request("GET", "/", "X-Api-Key: a\0b"),
    "a bare line feed in a field": raw.request("GET", "/", "X-Api-Key: a\nb: c"),
    "bytes in a field that are no UTF-8": raw.request("GET", "/", "X-Api-Key: \u00ff\u00fe"),
    "two Host fields": raw.request("GET", "/", "Host: elsewhere"),
    "a Host that is no host": raw.request("GET", "/").replace(b"localhost", b"[::1%25\xff]:99999"),
    "a length that is no number": raw.request("POST", "/", "Content-Length: many"),
    "a negative length": raw.request("POST", "/", "Content-Length: -1"),
    "a chunk whose length is no number": raw.request("POST", "/", *CUT, body=b"zz\r\nab\r\n"),
}

# After these the client says no more, and a server may close without an answer.
UNFINISHED = {
    "a chunk cut short": raw.request("POST", "/", *CUT, body=b"5\r\nab"),
    "chunks without an end": raw.request("POST", "/", *CUT, body=b"8\r\nuser=ana\r\n"),
    "a body shorter than promised": raw.request("POST", "/", "Content-Length: 9", body=b"ab"),
}
# Bodies for a limit that counts by a field of the form.
FORM = "Content-Type: application/x-www-form-urlencoded"
FORMS = {
    "a form in chunks": (FORM, b"user=ana"),
    "a form that is no UTF-8": (FORM, b"user=%ff\xfe&user"),
    "two thousand fields": (FORM, b"a=b&" * 2000),
    "a form without the field": (FORM, b"other=ana"),
    "an empty form": (FORM, b""),
    "a multipart form cut short": ("Content-Type: multipart/form-data; boundary=x", b"--x\r\nabc"),
    "a multipart form without a boundary": ("Content-Type: multipart/form-data", b"--x\r\nabc"),
    "JSON cut short": ("Content-Type: application/json", b'{"user": "an'),
    "JSON that is no UTF-8": ("Content-Type: application/json", b'{"user": "\xff"}'),
    "JSON two hundred thousand lists deep": ("Content-Type: application/json", b"[" * 200_000),
    "JSON that is no object": ("Content-Type: application/json", b"17"),
    "a content type that is none": ("Content-Type: \u00ff\u00fe;;=;", b"user=ana"),
}


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """An application that counts by all that a client can write, and believes loopback."""
    server, kind = request.param
    options = given(limit="100000/hour", key="header:x-api-key", trusted_proxies=["loopback"])
    with serve(server, f"{kind}_app", module=apps_plain.__name__, **options) as chosen:
        yield chosen


@pytest.mark.parametrize("name", REQUESTS)
def test_it_is_answered(port: int, name: str) -> None:
    answer = raw.send(port, REQUESTS[name])

    # daphne closes without a word when a line is longer than it reads.
    assert answer is None or answer.status in {200, 404, *REFUSED}
    assert_serves(port)


def assert_serves(port: int) -> None:
    after = raw.ask(port, "GET", "/")
    assert (after.status, after.value("x-ratelimit-limit")) == (200, "100000")


@pytest.mark.parametrize("name", UNFINISHED)
def test_what_is_cut_short_disturbs_nobody(port: int, name: str) -> None:
    answer = raw.send(port, UNFINISHED[name], ends=True)

    assert answer is None or answer.status in {200, *REFUSED}
    assert_serves(port)


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def forms(request: pytest.FixtureRequest) -> Iterator[int]:
    """An application that counts by a field of the form, read before the application."""
    server, kind = request.param
    options = given(limit="100000/hour", key=["ip", "form:user"])
    with serve(server, f"{kind}_app", module=apps_plain.__name__, **options) as chosen:
        yield chosen


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_form_cut_short_disturbs_nobody(forms: int, name: str) -> None:
    answer = raw.send(forms, UNFINISHED[name].replace(b"text/plain", FORM[14:].encode()), ends=True)

    assert answer is None or answer.status in {200, *REFUSED}
    assert_serves(forms)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_makes_no_sense_is_answered(forms: int, name: str) -> None:
    kind, body = FORMS[name]
    if name == "a form in chunks":
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        answer = raw.send(forms, raw.request("POST", "/", *CUT[:1], kind, body=chunks))
    else:
        length = f"Content-Length: {len(body)}"
        answer = raw.send(forms, raw.request("POST", "/", kind, length, body=body))

    assert answer is not None
    if answer.status == 400:
        return  # daphne reads forms itself, and refuses those without a boundary
    assert answer.status == 200
    assert answer.value("x-ratelimit-limit") == "100000"


@pytest.fixture(scope="module", params=["path", "method", "ip"])
def empty(request: pytest.FixtureRequest) -> Iterator[int]:
    """An application whose limit nothing fits, by several keys."""
    options = given(limit="0/hour", key=request.param, trusted_proxies=["loopback"])
    with serve("uvicorn", "asgi_app", module=apps_plain.__name__, **options) as chosen:
        yield chosen


@pytest.mark.parametrize("name", REQUESTS)
def test_whatever_it_says_it_is_not_let_past_the_limit(empty: int, name: str) -> None:
    answer = raw.send(empty, REQUESTS[name])

    assert answer is None or answer.status in {429, *REFUSED}


HANDSHAKE = (
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def handshake(port: int) -> raw.Answer:
    """Asks for a WebSocket, reads the greeting if it is granted, and goes away."""
    data = raw.request("GET", "/", *HANDSHAKE).replace(b": close", b": Upgrade")
    with closing(socket.create_connection(("127.0.0.1", port), 20)) as connection:
        connection.sendall(data)
        received = b""
        while b"\r\n\r\n" not in received or (b" 101 " in received and b"hello" not in received):
            part = connection.recv(65536)
            assert part, received
            received += part
    return raw.read(received)


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn", "daphne"])
def test_a_handshake_counts_as_a_get_and_is_refused_as_one(server: str) -> None:
    options = given(limit="2/hour", key="method")
    with serve(server, "asgi_app", module=apps_plain.__name__, **options) as port:
        answers = [handshake(port), handshake(port), handshake(port), handshake(port)]
        get = raw.ask(port, "GET").status
        post = raw.ask(port, "POST").status

    assert [answer.status for answer in answers[:2]] == [101, 101]
    # A server without the extension for denials can only close.
    assert {answer.status for answer in answers[2:]} <= {429, 403}
    assert b"hello" in answers[0].body
    assert (get, post) == (429, 200)


def test_a_handshake_passes_a_rule_that_is_for_other_methods_only() -> None:
    options = given(limit="1/hour", match={"methods": ["POST"]})
    with serve("uvicorn", "asgi_app", module=apps_plain.__name__, **options) as port:
        handshakes = [handshake(port).status for _ in range(3)]
        posts = [raw.ask(port, "POST").status for _ in range(2)]
        after = handshake(port).status

    assert handshakes == [101] * 3
    assert posts == [200, 429]
    assert after == 101


@pytest.mark.parametrize("pair", PAIRS[:2], ids="-".join)
def test_a_handshake_under_wsgi_is_a_request_like_others(pair: tuple[str, str]) -> None:
    server, kind = pair
    options = given(limit="1/hour")
    with (
        serve(server, f"{kind}_app", module=apps_plain.__name__, **options) as port,
        closing(Connection(port)) as connection,
    ):
        statuses = [connection.get("/", Upgrade="websocket").status for _ in range(2)]

    assert statuses == [200, 429]
