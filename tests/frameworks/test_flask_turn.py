"""However a request of a Flask application ends, whoever waits for its end is told once."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tidegate import Gate, Rule
from tidegate._native import Decision
from tidegate.flask._ask import Question
from tidegate.flask._turn import Ends, Turn
from tidegate.wsgi import TideGateMiddleware

DECISION = Gate([Rule("all", "5/minute")]).admit()


class Remembering:
    """What a turn needs of a gate that settles."""

    settles = True

    def __init__(self) -> None:
        self.told: list[int | None] = []
        self.charges: list[dict[int, bool] | None] = []

    def settle(
        self, decision: Decision, status: int | None, *, charges: dict[int, bool] | None
    ) -> None:
        assert decision is DECISION
        self.told.append(status)
        self.charges.append(charges)


def around(app: Any) -> TideGateMiddleware:
    """What stands around an application that an extension limits."""
    return TideGateMiddleware(Ends(app), None)


def served(app: Any, gate: Any) -> Iterable[bytes]:
    """The body of the application's response to a request that `gate` waits for."""

    def waits(environ: Any, start_response: Any) -> Any:
        Turn.of(environ).wait_for_response(gate, DECISION, None)
        return app(environ, start_response)

    environ = EnvironBuilder("/").get_environ()
    return around(waits)(environ, lambda *_: lambda _: None)


def answering(status: str, body: Iterable[bytes]) -> Any:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(status, [])
        return body

    return app


@pytest.mark.parametrize(
    ("status", "told"), [("200 OK", 200), ("401 UNAUTHORIZED", 401), ("X", None)]
)
def test_the_status_is_told_when_the_body_is_through(status: str, told: int | None) -> None:
    gate = Remembering()
    body = iter(served(answering(status, [b"a", b"b"]), gate))

    assert (next(body), gate.told) == (b"a", [])
    assert (list(body), gate.told) == ([b"b"], [told])


def test_an_error_is_told_and_raised() -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise KeyError("mine")

    gate = Remembering()
    with pytest.raises(KeyError, match="mine"):
        served(broken, gate)

    assert gate.told == [None]


def test_a_client_that_hangs_up_ends_the_turn_and_closes_the_body() -> None:
    closed: list[bool] = []

    def parts() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    gate = Remembering()
    body: Any = served(answering("200 OK", parts()), gate)
    assert (next(iter(body)), gate.told) == (b"a", [])
    body.close()
    body.close()

    assert (gate.told, closed) == ([200], [True])


@pytest.mark.parametrize("answer", [True, False])
def test_deduct_when_judges_the_response_and_decides(answer: bool) -> None:
    app = Flask("test")
    gate: Any = Remembering()
    seen: list[bytes] = []

    def judge(response: Response) -> bool:
        seen.append(bytes(response.data))
        return answer

    @app.get("/")
    def view() -> tuple[str, int]:
        from flask import request

        turn = Turn.of(request.environ)
        turn.wait_for_response(gate, DECISION, Question("deduct_when", judge))
        return "view", 203

    outside = around(app.wsgi_app)
    body, status, _ = run_wsgi_app(outside, EnvironBuilder("/").get_environ(), buffered=True)

    assert (list(body), status[:3], gate.told, seen) == ([b"view"], "203", [203], [b"view"])
    assert gate.charges == [{0: answer}]


def test_a_gate_that_does_not_wait_is_told_nothing_and_the_body_is_the_applications() -> None:
    gate = Remembering()
    gate.settles = False
    body = [b"a"]

    assert served(answering("200 OK", body), gate) is body
    assert gate.told == []
