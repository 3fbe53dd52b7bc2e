"""The header fields that nearly every response gets are put there on a way of their own.

What it does has to be what the other way does, which every other profile of fields takes.
"""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.test_asgi import HTTP
from tidegate.asgi import TideGateMiddleware as Asgi
from tidegate.testing import Clock
from tidegate.wsgi import TideGateMiddleware as Wsgi

if TYPE_CHECKING:
    from collections.abc import Callable

# Each of an application, as text: none, of other names (two as long as ours), of ours in whatever
# case, and of shapes that are allowed but not usual.
OWN: dict[str, Any] = {
    "none": [],
    "others": [("Content-Type", "text/plain"), ("X", "")],
    "as long": [("X-Something-Else!", "1"), ("X-Something-Different", "2")],
    "ours": [("Content-Type", "text/plain"), ("x-RATELIMIT-reset", "7")],
    "nearly ours": [("X-RateLimit-Limits", "7"), ("Y-RateLimit-Limit", "7")],
    "tuple": (("Content-Type", "text/plain"),),
    "pairs as lists": [["Content-Type", "text/plain"]],
    "subclass": type("Fields", (list,), {})([("A", "b")]),
}


def by_asgi(own: Any, profile: Any, limit: str, clock: Clock) -> Any:
    sent: list[Any] = []
    encoded = type(own)(type(pair)(part.encode() for part in pair) for pair in own)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": encoded})

    async def send(message: Any) -> None:
        sent.append(message)

    coroutine: Any = Asgi(app, limit, headers=profile, clock=clock)(dict(HTTP), None, send)  # type: ignore[arg-type]
    with pytest.raises(StopIteration):
        coroutine.send(None)
    return [tuple(part.decode() for part in pair) for pair in sent[0]["headers"]]


def by_wsgi(own: Any, profile: Any, limit: str, clock: Clock) -> Any:
    sent: list[Any] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", own)
        return []

    def start_response(status: str, headers: Any) -> Any:
        sent.append(headers)

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "192.0.2.1"}
    Wsgi(app, limit, headers=profile, clock=clock)(environ, start_response)  # type: ignore[arg-type]
    return [tuple(pair) for pair in sent[0]]


protocols = pytest.mark.parametrize("serve", [by_asgi, by_wsgi])


@protocols
@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_both_ways_say_the_same(serve: Callable[..., Any], own: Any) -> None:
    before = [tuple(pair) for pair in own]

    usual = serve(own, "x-ratelimit", "5/minute", Clock())
    others = serve(own, ["x-ratelimit", "legacy"], "5/minute", Clock())

    legacy = {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
    assert usual == [
        field
        for place, field in enumerate(others)
        if place < len(before) or field[0].lower() not in legacy
    ]
    assert [tuple(pair) for pair in own] == before


@protocols
def test_the_numbers_are_those_of_the_request(serve: Callable[..., Any]) -> None:
    clock = Clock()

    def numbers(limit: str) -> list[int]:
        return [int(value) for _, value in serve([], "x-ratelimit", limit, clock)]

    five, nine = numbers("5/minute"), numbers("9/minute")
    clock.advance(30)
    later = numbers("5/minute")

    assert (five[:2], nine[:2], later[:2]) == ([5, 4], [9, 8], [5, 4])
    assert later[2] == five[2] + 30
    assert five[2] != nine[2]


@protocols
def test_threads_get_their_own(serve: Callable[..., Any]) -> None:
    clock, wrong = Clock(), []

    def work(limit: int) -> None:
        for _ in range(300):
            told = [int(value) for _, value in serve([], "x-ratelimit", f"{limit}/hour", clock)]
            if told[:2] != [limit, limit - 1]:
                wrong.append(told)

    threads = [Thread(target=work, args=[limit]) for limit in (3, 4, 5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
