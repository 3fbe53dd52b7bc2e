"""The ASGI middleware around applications without a framework, called as a server calls them."""

from typing import Any

import pytest

from tidegate import ConfigError, Gate, RateLimitExceeded, Rule, rate_limit
from tidegate.asgi import Request, TideGateMiddleware
from tidegate.testing import Clock

HTTP: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "headers": [],
    "client": ("192.0.2.1", 5000),
}
HELLO: list[dict[str, Any]] = [
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"o", "more_body": True},
    {"type": "http.response.body", "body": b"k"},
]


async def hello(scope: Any, receive: Any, send: Any) -> None:
    for message in HELLO:
        await send(message)


async def nothing() -> Any:
    pytest.fail("nobody needs to receive here")


async def call(app: Any, **changes: Any) -> list[dict[str, Any]]:
    """Every message that the application sends for one connection."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app({**HTTP, **changes}, nothing, send)
    return sent


def fields(message: dict[str, Any]) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in message["headers"]}


async def test_an_admitted_response_is_passed_on_with_the_limits_fields() -> None:
    sent = await call(TideGateMiddleware(hello, "5/minute", clock=Clock()))

    assert fields(sent[0]) == {
        "content-length": "2",
        "x-ratelimit-limit": "5",
        "x-ratelimit-remaining": "4",
        "x-ratelimit-reset": fields(sent[0])["x-ratelimit-reset"],
    }
    assert sent[0]["status"] == 200
    assert sent[1:] == HELLO[1:]
    assert HELLO[0]["headers"] == [(b"content-length", b"2")]


async def test_a_refusal_answers_without_calling_the_application() -> None:
    calls: list[str] = []

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        calls.append(scope["path"])
        await hello(scope, receive, send)

    app = TideGateMiddleware(counting, "1/minute", clock=Clock())
    await call(app)

    start, body = await call(app, headers=[(b"accept", b"application/json")])

    assert calls == ["/"]
    assert (start["status"], fields(start)["retry-after"]) == (429, "60")
    assert fields(start)["content-length"] == str(len(body["body"]))
    assert "json" in fields(start)["content-type"]


async def test_a_head_request_is_refused_without_a_body() -> None:
    app = TideGateMiddleware(hello, "0/minute")

    start, body = await call(app, method="HEAD")

    assert (start["status"], body["body"]) == (429, b"")


@pytest.mark.parametrize("kind", ["lifespan", "unknown.protocol"])
async def test_what_is_no_request_is_passed_through_untouched(kind: str) -> None:
    seen: list[Any] = []

    async def remember(*arguments: Any) -> None:
        seen.extend(arguments)

    async def send(_: Any) -> None: ...

    scope = {"type": kind}
    await TideGateMiddleware(remember, "0/minute")(scope, nothing, send)

    assert seen == [scope, nothing, send]
    assert scope == {"type": kind}


async def test_a_preflight_is_neither_counted_nor_refused() -> None:
    app = TideGateMiddleware(hello, "1/minute", clock=Clock())
    preflight = [(b"Access-Control-Request-Method", b"PUT")]

    statuses = [
        (await call(app, method="OPTIONS", headers=preflight))[0]["status"] for _ in range(3)
    ]

    assert statuses == [200, 200, 200]
    assert (await call(app, method="OPTIONS"))[0]["status"] == 200
    assert (await call(app, method="OPTIONS"))[0]["status"] == 429


async def test_one_gate_counts_a_request_once_and_two_gates_count_it_each() -> None:
    gate = Gate([Rule("outer", "2/minute")], clock=Clock())
    other = Gate([Rule("inner", "5/minute")], clock=Clock())
    inner = TideGateMiddleware(hello, gate=other)
    app = TideGateMiddleware(TideGateMiddleware(inner, gate=gate), gate=gate)

    answers = [(await call(app))[0] for _ in range(3)]

    assert [answer["status"] for answer in answers] == [200, 200, 429]
    assert other.admit().remaining == 2


async def test_the_decision_is_in_the_scope() -> None:
    async def tell(scope: Any, receive: Any, send: Any) -> None:
        assert scope["tidegate"].remaining == 4
        await hello(scope, receive, send)

    assert await call(TideGateMiddleware(tell, "5/minute", clock=Clock()))


async def test_fields_that_the_application_sets_itself_are_its_own() -> None:
    async def own(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"X-RateLimit-Limit", b"7")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    (start,) = await call(TideGateMiddleware(own, "5/minute"))

    assert start["headers"] == [(b"X-RateLimit-Limit", b"7")]


async def test_a_start_without_headers_gets_the_fields_too() -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204})

    (start,) = await call(TideGateMiddleware(bare, "5/minute"))

    assert fields(start)["x-ratelimit-limit"] == "5"


@pytest.mark.parametrize("kind", [tuple, iter, list])
async def test_header_fields_in_any_iterable_are_kept(kind: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = kind([[b"x-own", b"1"], (b"x-own", b"2")])
        await send({"type": "http.response.start", "status": 204, "headers": headers})

    (start,) = await call(TideGateMiddleware(app, "5/minute"))

    assert [tuple(field) for field in start["headers"][:2]] == [(b"x-own", b"1"), (b"x-own", b"2")]
    assert fields(start)["x-ratelimit-limit"] == "5"


async def test_what_the_application_raises_comes_out() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await call(TideGateMiddleware(broken))


async def test_a_limited_function_below_becomes_a_429() -> None:
    @rate_limit("1/minute", key="ip", clock=Clock())
    async def work() -> None: ...

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await work()
        await hello(scope, receive, send)

    protected = TideGateMiddleware(app)

    first, second, other = (
        (await call(protected))[0],
        (await call(protected))[0],
        (await call(protected, client=("192.0.2.2", 1)))[0],
    )

    assert [first["status"], second["status"], other["status"]] == [200, 429, 200]
    assert fields(second)["retry-after"] == "60"
    assert fields(second)["x-ratelimit-limit"] == "1"


async def test_a_limited_function_that_runs_after_the_response_began_raises() -> None:
    @rate_limit("0/minute")
    async def work() -> None: ...

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await hello(scope, receive, send)
        await work()

    with pytest.raises(RateLimitExceeded):
        await call(TideGateMiddleware(app))


async def test_a_request_is_forgotten_when_it_is_over() -> None:
    @rate_limit("5/minute", key="ip")
    async def work() -> None: ...

    await call(TideGateMiddleware(hello))

    with pytest.raises(ConfigError, match="no request was found"):
        await work()


async def test_keys_may_be_callables_of_either_kind() -> None:
    async def late(request: Request) -> str:
        return request.headers["x-user"]

    for key in (late, lambda request: request.headers["x-user"]):
        app = TideGateMiddleware(hello, "1/minute", key=key, clock=Clock())
        statuses = [
            (await call(app, headers=[(b"x-user", user)]))[0]["status"]
            for user in (b"ana", b"bob", b"ana", b"\xff\xfe", b"x" * 100_000)
        ]
        assert statuses == [200, 200, 429, 200, 200]


async def test_a_callable_is_asked_once_and_not_about_what_is_free() -> None:
    asked: list[str] = []

    def key(request: Request) -> str:
        asked.append(request.method)
        return "all"

    gate = Gate([Rule("api", "5/minute", key=key)], clock=Clock())
    app = TideGateMiddleware(TideGateMiddleware(hello, gate=gate), gate=gate)

    await call(app, method="OPTIONS", headers=[(b"access-control-request-method", b"PUT")])
    await call(app)

    assert asked == ["GET"]


async def test_a_callable_without_an_answer_is_named() -> None:
    def forgetful(request: Request) -> str:
        return None  # type: ignore[return-value]

    with pytest.raises(ConfigError, match="'forgetful' must return text"):
        await call(TideGateMiddleware(hello, key=forgetful))


async def test_a_queue_makes_the_request_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def record(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("asyncio.sleep", record)
    app = TideGateMiddleware(hello, "leaky_bucket: 1/second queue 5s", clock=Clock())

    for _ in range(3):
        await call(app)

    assert waits == [1.0, 2.0]


WEBSOCKET: dict[str, Any] = {"type": "websocket", "method": None}


async def accept(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "websocket.accept", "headers": [(b"x-own", b"1")]})


async def test_a_handshake_is_counted_and_its_acceptance_has_the_fields() -> None:
    app = TideGateMiddleware(accept, "1/minute", clock=Clock())

    (accepted,) = await call(app, **WEBSOCKET)
    (closed,) = await call(app, **WEBSOCKET)

    assert fields(accepted)["x-ratelimit-remaining"] == "0"
    assert fields(accepted)["x-own"] == "1"
    assert closed == {"type": "websocket.close", "code": 1013}


async def test_a_handshake_that_the_application_refuses_has_the_fields_too() -> None:
    async def deny(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})

    (start,) = await call(TideGateMiddleware(deny, "5/minute"), **WEBSOCKET)

    assert fields(start)["x-ratelimit-limit"] == "5"


async def test_a_refused_handshake_has_a_response_where_the_server_can_send_one() -> None:
    app = TideGateMiddleware(accept, "0/minute")

    start, body = await call(app, **WEBSOCKET, extensions={"websocket.http.response": {}})

    assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
    assert body["type"] == "websocket.http.response.body"


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": None},
        {"headers": [(b"\xff", b"\xff")]},
        {"headers": [(b"x-forwarded-for", b"\xff\x00, ,,")] * 100},
        {"headers": [(b"accept", b"\xff;q=x,,")]},
        {"client": None},
        {"client": ("", 0)},
        {"client": ["not an address", None]},
        {"path": "/\udcff"},
        {"method": "\udcff"},
    ],
)
@pytest.mark.parametrize("key", ["ip", "path", "method", "header:accept", "global"])
async def test_odd_scopes_are_answered(changes: dict[str, Any], key: str) -> None:
    app = TideGateMiddleware(
        hello, "1/minute", key=key, trusted_proxies=["192.0.2.0/24"], clock=Clock()
    )

    assert [(await call(app, **changes))[0]["status"] for _ in range(2)] == [200, 429]
