"""The request that key callables are given, read from both protocols."""

import pytest

from tidegate.asgi import Request

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/login/é",
    "query_string": b"a=1&b=%20x&a=2",
    "client": ("192.0.2.1", 5000),
    "headers": [
        (b"x-api-key", b"secret"),
        (b"Accept", b"text/html"),
        (b"accept", b"*/*"),
        (b"cookie", b"session=abc; theme=dark; session=other"),
        (b"x-odd", b"\xff\xfe"),
    ],
}
ENVIRON = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "/login",
    "PATH_INFO": "/\xc3\xa9",
    "QUERY_STRING": "a=1&b=%20x&a=2",
    "REMOTE_ADDR": "192.0.2.1",
    "CONTENT_TYPE": "text/plain",
    "CONTENT_LENGTH": "",
    "HTTP_X_API_KEY": "secret",
    "HTTP_ACCEPT": "text/html, */*",
    "HTTP_COOKIE": "session=abc; theme=dark; session=other",
    "HTTP_X_ODD": "\xff\xfe",
}
REQUESTS = [Request.from_asgi(SCOPE), Request.from_wsgi(ENVIRON)]


@pytest.mark.parametrize("request_", REQUESTS, ids=["asgi", "wsgi"])
def test_both_protocols_give_the_same_request(request_: Request) -> None:
    assert (request_.method, request_.path, request_.client) == ("POST", "/login/é", "192.0.2.1")
    assert request_.headers["X-Api-Key"] == request_.headers["x-api-key"] == "secret"
    assert request_.headers.get("accept") == "text/html, */*"
    assert request_.headers["x-odd"] == "ÿþ"
    assert request_.headers.get("x-missing") is None
    assert "cookie" in request_.headers
    assert request_.cookies == {"session": "abc", "theme": "dark"}
    assert request_.query == {"a": "1", "b": " x"}


def test_content_type_is_a_header_under_wsgi() -> None:
    assert dict(REQUESTS[1].headers).keys() >= {"content-type", "accept"}
    assert "content-length" not in REQUESTS[1].headers


@pytest.mark.parametrize("request_", [Request.from_asgi({}), Request.from_wsgi({})])
def test_a_request_without_anything_is_a_request(request_: Request) -> None:
    assert (request_.method, request_.path, request_.client) == ("GET", "", None)
    assert (dict(request_.headers), request_.cookies, request_.query) == ({}, {}, {})


def test_hostile_queries_and_cookies_are_read_without_an_error() -> None:
    request = Request.from_asgi(
        {
            "query_string": b"&".join([b"a=%ff%fe"] * 5000),
            "headers": [(b"cookie", b";;=;=x;\xff;a=b=c")],
            "client": None,
        }
    )

    assert request.query == {}
    assert request.cookies["a"] == "b=c"
