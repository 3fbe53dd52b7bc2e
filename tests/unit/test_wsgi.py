"""The WSGI middleware around applications without a framework, checked by `wsgiref.validate`."""

import io
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from tidegate import ConfigError, Gate, Rule, rate_limit
from tidegate.testing import Clock
from tidegate.wsgi import Request, TideGateMiddleware


def hello(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"o", b"k"]


class Answer:
    """What a server got: status line, fields, and everything that was written."""

    def __init__(self, app: Any, **changes: Any) -> None:
        environ: dict[str, Any] = {"REMOTE_ADDR": "192.0.2.1", "QUERY_STRING": "", **changes}
        setup_testing_defaults(environ)
        self.written = io.BytesIO()
        self.starts: list[tuple[str, dict[str, str], bool]] = []
        body = app(environ, self.start)
        try:
            for part in body:
                self.written.write(part)
        finally:
            if hasattr(body, "close"):
                body.close()
        self.status, self.fields, _ = self.starts[-1]
        self.code = int(self.status.split()[0])
        self.body = self.written.getvalue()

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.starts.append((status, {n.lower(): v for n, v in headers}, exc_info is not None))
        return self.written.write


def protected(app: Any, *arguments: Any, **options: Any) -> Any:
    """The application between two of the standard library's inspectors."""
    options.setdefault("clock", Clock())
    return validator(TideGateMiddleware(validator(app), *arguments, **options))


def test_an_address_that_is_kept_out_is_forbidden() -> None:
    answer = Answer(protected(hello, "5/minute", deny=["192.0.2.0/24"]))

    assert (answer.status, answer.fields["content-type"][:12]) == ("403 Forbidden", "application/")
    assert b"403" in answer.body


def test_an_admitted_response_is_passed_on_with_the_limits_fields() -> None:
    answer = Answer(protected(hello, "5/minute"))

    assert (answer.status, answer.body) == ("200 OK", b"ok")
    assert answer.fields["content-type"] == "text/plain"
    assert answer.fields["x-ratelimit-limit"] == "5"
    assert answer.fields["x-ratelimit-remaining"] == "4"
    assert "retry-after" not in answer.fields


def test_a_refusal_answers_without_calling_the_application() -> None:
    calls: list[str] = []

    def counting(environ: Any, start_response: Any) -> Iterable[bytes]:
        calls.append(environ["PATH_INFO"])
        return hello(environ, start_response)

    app = protected(counting, "1/minute")
    Answer(app)

    refused = Answer(app, HTTP_ACCEPT="application/json")

    assert calls == ["/"]
    assert refused.status == "429 Too Many Requests"
    assert refused.fields["retry-after"] == "60"
    assert refused.fields["content-length"] == str(len(refused.body))
    assert "json" in refused.fields["content-type"]


def test_a_head_request_is_refused_without_a_body() -> None:
    answer = Answer(TideGateMiddleware(hello, "0/minute"), REQUEST_METHOD="HEAD")

    assert (answer.code, answer.body) == (429, b"")


def test_a_preflight_is_neither_counted_nor_refused() -> None:
    app = protected(hello, "1/minute")
    preflight = {"REQUEST_METHOD": "OPTIONS", "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "PUT"}

    assert [Answer(app, **preflight).code for _ in range(3)] == [200, 200, 200]
    assert [Answer(app, REQUEST_METHOD="OPTIONS").code for _ in range(2)] == [200, 429]


def test_one_gate_counts_a_request_once_and_two_gates_count_it_each() -> None:
    gate = Gate([Rule("outer", "2/minute")], clock=Clock())
    other = Gate([Rule("inner", "5/minute")], clock=Clock())
    inner = TideGateMiddleware(hello, gate=other)
    app = TideGateMiddleware(TideGateMiddleware(inner, gate=gate), gate=gate)

    assert [Answer(app).code for _ in range(3)] == [200, 200, 429]
    assert other.admit().remaining == 2


def test_the_decision_is_in_the_environ() -> None:
    def tell(environ: Any, start_response: Any) -> Iterable[bytes]:
        assert environ["tidegate.decision"].remaining == 4
        return hello(environ, start_response)

    assert Answer(protected(tell, "5/minute")).code == 200


def test_fields_that_the_application_sets_itself_are_its_own() -> None:
    def own(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-RateLimit-Limit", "7")])
        return [b""]

    answer = Answer(protected(own, "5/minute"))

    assert answer.fields == {"content-type": "text/plain", "x-ratelimit-limit": "7"}


def test_a_stream_is_not_read_ahead_and_is_closed() -> None:
    events: list[str] = []

    class Stream:
        def __iter__(self) -> Iterator[bytes]:
            for number in range(3):
                events.append(f"made {number}")
                yield b"x"

        def close(self) -> None:
            events.append("closed")

    stream = Stream()

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return stream

    body = TideGateMiddleware(app)({}, lambda *_: print)
    assert body is stream
    for _ in body:
        events.append("sent")
    stream.close()

    assert events == ["made 0", "sent", "made 1", "sent", "made 2", "sent", "closed"]


def test_a_generator_starts_its_response_when_it_is_first_asked() -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"ok"

    answer = Answer(protected(app, "5/minute"))

    assert (answer.body, answer.fields["x-ratelimit-limit"]) == (b"ok", "5")


def test_what_the_application_writes_reaches_the_server() -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])(b"written ")
        return [b"returned"]

    assert Answer(protected(app)).body == b"written returned"


def test_a_second_start_with_an_error_reaches_the_server() -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            raise KeyError("late")
        except KeyError as error:
            info = (KeyError, error, error.__traceback__)
            start_response("500 Error", [("Content-Type", "text/plain")], info)
        return [b"sorry"]

    answer = Answer(protected(app, "5/minute"))

    assert answer.code == 500
    assert [(code, late) for code, _, late in answer.starts] == [
        ("200 OK", False),
        ("500 Error", True),
    ]
    assert answer.fields["x-ratelimit-limit"] == "5"


def test_what_the_application_raises_comes_out() -> None:
    def broken(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Answer(TideGateMiddleware(broken))


def test_a_limited_function_below_becomes_a_429() -> None:
    @rate_limit("1/minute", key="ip", clock=Clock())
    def work() -> None: ...

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start = start_response("200 OK", [("Content-Type", "text/plain")])
        assert start
        work()
        return [b"ok"]

    protected_app = TideGateMiddleware(app)

    answers = [Answer(protected_app, REMOTE_ADDR=peer) for peer in ("::1", "::1", "192.0.2.2")]

    assert [answer.code for answer in answers] == [200, 429, 200]
    assert answers[1].starts[-1][2], "a response that has begun is replaced with exc_info"
    assert answers[1].fields["x-ratelimit-limit"] == "1"


def test_a_request_is_forgotten_when_it_is_over() -> None:
    @rate_limit("5/minute", key="ip")
    def work() -> None: ...

    Answer(TideGateMiddleware(hello))

    with pytest.raises(ConfigError, match="no request was found"):
        work()


def test_a_key_may_be_a_callable() -> None:
    app = protected(hello, "1/minute", key=lambda request: request.headers["x-user"])

    users = ["ana", "bob", "ana", "\xff\xfe", "x" * 100_000]

    assert [Answer(app, HTTP_X_USER=user).code for user in users] == [200, 200, 429, 200, 200]


def test_an_async_callable_is_refused_when_the_middleware_is_made() -> None:
    async def late(request: Request) -> str:
        return "ana"

    with pytest.raises(ConfigError, match="'late' is async"):
        TideGateMiddleware(hello, key=late)


def test_a_queue_makes_the_request_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    app = protected(hello, "leaky_bucket: 1/second queue 5s")

    for _ in range(3):
        Answer(app)

    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(
    "changes",
    [
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "not an address"},
        {"PATH_INFO": "/\xff\xfe"},
        {"PATH_INFO": "/\udcff"},
        {"HTTP_ACCEPT": "\xff;q=x,,"},
        {"HTTP_ACCEPT": "\udcff"},
        {"HTTP_X_FORWARDED_FOR": "\xff\x00, ,," * 1000},
        {"REQUEST_METHOD": "\xff"},
    ],
)
@pytest.mark.parametrize("key", ["ip", "path", "method", "header:accept", "global"])
def test_odd_environs_are_answered(changes: dict[str, Any], key: str) -> None:
    app = TideGateMiddleware(
        hello, "1/minute", key=key, trusted_proxies=["192.0.2.0/24"], clock=Clock()
    )

    assert [Answer(app, **changes).code for _ in range(2)] == [200, 429]
