"""The short way past a gate, and what is awaited on it."""

import asyncio
import gc
import pickle
import weakref
from typing import Any

import pytest

from tidegate import Gate, Rule
from tidegate._current import noted
from tidegate.asgi import TideGateMiddleware
from tidegate.testing import Clock
from tidegate.wsgi import TideGateMiddleware as WsgiMiddleware


def scope(address: str = "192.0.2.1", **changes: Any) -> dict[str, Any]:
    client = (address, 5000)
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [],
        "client": client,
        **changes,
    }


async def nothing() -> Any:
    pytest.fail("nobody needs to receive here")


async def ignored(message: Any) -> None:
    """A server that nobody listens to."""


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def way(app: Any, limit: str = "100/minute", **options: Any) -> Any:
    options.setdefault("clock", Clock())
    return TideGateMiddleware(app, limit, per_ip=True, **options).way


async def statuses(app: Any, *scopes: dict[str, Any]) -> list[int]:
    found: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    for one in scopes:
        await app(one, nothing, send)
    return found


@pytest.mark.parametrize("options", [{}, {"match": {"path": "/*"}}, {"mode": "shadow"}])
async def test_both_ways_answer_alike(options: dict[str, Any]) -> None:
    class Recorded:
        def __init__(self, app: Any) -> None:
            self.app = app
            self.sent: list[Any] = []

        async def send(self, message: Any) -> None:
            self.sent.append(message)

        async def call(self, asked: Any) -> None:
            await self.app(asked, nothing, self.send)

    short = Recorded(way(hello, "2/minute", **options))
    # A callable has to be asked first, so that the short way is not for this one.
    long = Recorded(
        way(hello, "2/minute", exempt_when=lambda request: False, **options),
    )
    for asked in (scope(), scope(), scope("192.0.2.2"), scope(), scope(method="HEAD")):
        await short.call(dict(asked))
        await long.call(dict(asked))

    assert short.sent == long.sent


async def test_an_application_may_wait_and_be_waited_for() -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        outer = noted()
        assert outer is not None
        assert outer[0] is scope
        await asyncio.sleep(0.001)
        await hello(scope, receive, send)

    app = way(slow, "2/minute")

    assert await statuses(app, scope(), scope(), scope()) == [200, 200, 429]
    assert noted() is None


async def test_an_application_may_be_any_awaitable() -> None:
    def future(scope: Any, receive: Any, send: Any) -> Any:
        return asyncio.ensure_future(hello(scope, receive, send))

    assert await statuses(way(future), scope()) == [200]


async def test_what_an_application_raises_at_once_comes_out_where_it_is_awaited() -> None:
    def broken(scope: Any, receive: Any, send: Any) -> Any:
        raise LookupError("broken")

    going = way(broken)(scope(), nothing, ignored)

    with pytest.raises(LookupError, match="broken"):
        await going
    assert noted() is None


async def test_an_application_that_cannot_be_awaited_is_an_error_and_is_forgotten() -> None:
    def not_async(scope: Any, receive: Any, send: Any) -> None:
        """Has forgotten its `async`."""

    going = way(not_async)(scope(), nothing, ignored)

    with pytest.raises(TypeError, match="NoneType can't be used in 'await'"):
        await going
    assert noted() is None
    # It is over, as a coroutine would be.
    with pytest.raises(StopIteration):
        going.send(None)


async def test_a_cancelled_request_is_cancelled_inside_and_forgotten() -> None:
    seen: list[str] = []

    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def served() -> None:
        await way(stuck)(scope(), nothing, ignored)

    task = asyncio.ensure_future(served())
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]


async def test_an_application_may_survive_what_is_thrown_into_it() -> None:
    async def tough(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await hello(scope, receive, send)

    found: list[str] = []

    async def send(message: Any) -> None:
        found.append(message["type"])

    async def served() -> None:
        await way(tough)(scope(), nothing, send)

    task = asyncio.ensure_future(served())
    await asyncio.sleep(0.01)
    task.cancel()
    await task

    assert found == ["http.response.start", "http.response.body"]


class _Pause:
    """Suspends whoever awaits it, once, whatever drives it."""

    def __await__(self) -> Any:
        return (yield "paused")


def test_it_goes_step_by_step_as_a_coroutine_does() -> None:
    async def asking(scope: Any, receive: Any, send: Any) -> None:
        scope["answer"] = await _Pause()

    asked = scope()
    going = way(asking)(asked, nothing, ignored)

    assert "answer" not in asked
    assert going.send(None) == "paused"
    assert noted() is not None
    with pytest.raises(StopIteration):
        going.send("that")
    assert asked["answer"] == "that"
    assert noted() is None
    with pytest.raises(StopIteration):
        going.send(None)


def test_closing_ends_the_application_and_the_note() -> None:
    seen: list[str] = []

    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        try:
            await _Pause()
        finally:
            seen.append("closed")

    going = way(stuck)(scope(), nothing, ignored)
    going.send(None)
    going.close()

    assert seen == ["closed"]
    assert noted() is None


def test_closing_what_nobody_awaited_calls_nobody() -> None:
    def never(scope: Any, receive: Any, send: Any) -> Any:
        pytest.fail("it has not begun")

    going = way(never)(scope(), nothing, ignored)
    going.close()

    with pytest.raises(StopIteration):
        going.send(None)


def test_an_application_that_will_not_close_is_an_error() -> None:
    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        try:
            await _Pause()
        except GeneratorExit:
            await _Pause()

    going = way(stubborn)(scope(), nothing, ignored)
    going.send(None)

    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        going.close()
    with pytest.raises(StopIteration):
        going.send(None)
    assert noted() is None


def test_an_abandoned_request_is_let_go() -> None:
    class Kept:
        pass

    known: list[weakref.ref[Kept]] = []

    async def stuck(scope: Any, receive: Any, send: Any) -> None:
        kept = Kept()
        known.append(weakref.ref(kept))
        await _Pause()

    async def served() -> None:
        await way(stuck)(scope(), nothing, ignored)

    going = served()
    going.send(None)
    del going
    gc.collect()

    assert known[0]() is None
    assert noted() is None


@pytest.mark.parametrize("options", [{}, {"exempt_when": lambda request: False}])
def test_an_error_leaves_nothing_behind(options: dict[str, Any]) -> None:
    class BrokenError(Exception):
        pass

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise BrokenError

    known: list[weakref.ref[BaseException]] = []
    gc.collect()
    gc.disable()
    try:
        going = way(broken, **options)(scope(), nothing, ignored)
        try:
            going.send(None)
        except BrokenError as error:
            known.append(weakref.ref(error))
        del going
        assert known[0]() is None
    finally:
        gc.enable()


def test_the_way_is_looked_at_as_its_middleware_is() -> None:
    middleware = TideGateMiddleware(hello, "5/minute")
    way: Any = middleware.way

    assert way is not middleware
    assert way.middleware is middleware
    assert (way.app, way.gate) == (hello, middleware.gate)


def test_the_passage_of_another_way_cannot_be_awaited() -> None:
    passage = Gate([Rule("default", "5/minute")]).enter_asgi(scope(), nothing, ignored)
    assert passage is not None

    with pytest.raises(TypeError, match="cannot be awaited"):
        passage.send(None)


async def test_addresses_are_counted_apart_and_networks_together() -> None:
    app = way(hello, "2/minute")
    first, second = "192.0.2.1", "192.0.2.2"
    of_one_network = [scope(f"2001:db8:1:2::{last}") for last in range(1, 4)]
    mixed = [scope(address) for address in (first, second, first, first, second, second)]

    assert await statuses(app, *mixed) == [200, 200, 200, 429, 200, 429]
    assert await statuses(app, *of_one_network) == [200, 200, 429]


async def test_nobody_is_forgotten_because_there_are_many() -> None:
    app = way(hello, "1/hour")
    assert await statuses(app, scope("192.0.2.1")) == [200]
    crowd = [scope(f"10.0.{index // 256}.{index % 256}") for index in range(9000)]
    assert set(await statuses(app, *crowd)) == {200}

    assert await statuses(app, scope("192.0.2.1"), scope("10.0.0.0")) == [429, 429]


async def test_a_forwarding_field_that_nobody_believes_changes_nothing() -> None:
    app = way(hello, "2/minute")
    forged = [(b"x-forwarded-for", b"203.0.113.9")]

    assert await statuses(app, scope(), scope(headers=forged), scope()) == [200, 200, 429]


async def test_a_decision_about_somebody_known_has_everything() -> None:
    app = way(hello, "5/minute", name="visits")
    await statuses(app, scope())
    asked = scope()
    await statuses(app, asked)
    decision = asked["tidegate"]

    assert (decision.remaining, decision.limit, decision.rule) == (3, 5, "visits")
    assert (decision.address, decision.address_source) == ("192.0.2.1", "peer")
    assert (decision.key, decision.reason) == ("192.0.2.1", None)
    copy = pickle.loads(pickle.dumps(decision))
    assert (copy.id, copy.key, copy.remaining) == (decision.id, decision.key, 3)
    # The copy has the machine's clock, which says another time of day.
    assert decision.headers("draft") == copy.headers("draft")


def test_wsgi_addresses_are_counted_apart() -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"ok"]

    middleware = WsgiMiddleware(app, "2/minute", per_ip=True, clock=Clock())
    served = middleware.way(is_kept=False)
    found: list[str] = []

    def start(status: str, headers: Any, exc_info: Any = None) -> Any:
        found.append(status[:3])

    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"):
        environ: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
        served({**environ, "REMOTE_ADDR": address}, start)

    assert found == ["200", "200", "200", "429", "200"]
    assert noted() is None
