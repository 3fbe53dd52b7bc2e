"""The gate in front of an ASGI application: HTTP requests and WebSocket handshakes.

Imports no framework. A response is passed on as it comes, message by message; only header
fields are added to its start. asyncio only, since a queueing limit sleeps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from types import FunctionType
from typing import Any, TypeAlias

from tidegate._asking import Asker, arun
from tidegate._breach import Own, aanswer
from tidegate._current import forget, is_starlette_loaded, note, noted
from tidegate._gate import resolve_gate
from tidegate._native import Answers, AsgiEntry, Decision, Gate
from tidegate._options import DEFAULT_LIMIT
from tidegate._request import Request
from tidegate._settling import Response, charges
from tidegate.errors import ConfigError, RateLimitExceeded, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tidegate._native import AsgiPassage
    from tidegate._options import MiddlewareOptions

__all__ = ["ASGIApp", "Request", "TideGateMiddleware"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

# Decisions that were made further in and are to be told of the end, in the scope, each with the
# gate that made it.
ENDS = "tidegate.ends"


class TideGateMiddleware:
    """Refuses what is over the limit with a 429, and puts the limit's header fields on the rest.

    The decision is in the scope, as `scope["tidegate"]`: of several that were made about the
    request, the one that binds most. A request that passes the same gate twice, in a mounted
    application say, is counted once. A CORS preflight is not counted.

    Args:
        app: the application, ASGI 3.
        limit: a limit string, or requests per second; None to limit nothing here, and only put
            the header fields of limits further in on the responses.
        gate: a gate of your own, instead of `limit` and the options.
        options: as for `tidegate.protect_app`. A callable among them is given a `Request`, and
            may be async.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: str | int | None = DEFAULT_LIMIT,
        *,
        gate: Gate | None = None,
        **options: Unpack[MiddlewareOptions],
    ) -> None:
        self.app = app
        self.gate = resolve_gate(gate, limit, options)
        self._enter = self.gate.enter_asgi
        self._waits = self.gate.waits
        self._settles = self.gate.settles
        self._asker = Asker(self.gate)
        self._asks = self._asker.is_needed
        self._follows = self.gate.version is not None
        self._look()
        self._has_own_answer = self.gate.on_breach is not None or self.gate.template is not None
        short = self._short_way()
        self._served_by: ASGIApp = short or self._serve
        # The same as the middleware itself, with one coroutine less, for a caller that looks at
        # neither class nor signature.
        self.way: ASGIApp = short or self

    def _short_way(self) -> AsgiEntry | None:
        """Goes past everything that there may be to find out, where there is nothing."""
        if self._waits or self._settles or self._prepares or self._follows:
            return None
        app: Any = self.app
        kind: type[object] = type(self.app)
        # Bound once, where the interpreter would look it up for every request.
        is_instance = isinstance(getattr(kind, "__call__", None), FunctionType)  # noqa: B004
        called = app.__call__ if is_instance else app
        return AsgiEntry(self, called, self.gate, self._is_open, self._go, self._end)

    def _look(self) -> None:
        """Notes what the gate's rules want to know, as they are now."""
        self._version = self.gate.version
        needs = self.gate.needs
        self._is_open = not self.gate.rules
        self._reads = "form" in needs
        # What a framework knows, and the protocol does not.
        self._facts = needs & {"user", "route"}
        self._prepares = self._asks or self._reads or bool(self._facts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        await self._served_by(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection, about which there may be something to find out first."""
        if self._follows and self._version != self.gate.version:
            self._look()
        answers = None
        if self._prepares:
            receive, answers = await self._prepare(scope, receive)
        if self._waits:
            passage = await self._aenter(scope, receive, send, answers)
        else:
            passage = self._enter(scope, receive, send, answers)
        if passage is None:
            await self.app(scope, receive, send)
            return
        await self._go(scope, receive, send, passage)

    async def _go(self, scope: Scope, receive: Receive, send: Send, passage: AsgiPassage) -> None:
        """Serves a request that the gate has decided about."""
        if not passage and not await self._queued(scope, receive, passage, send):
            return
        gate = self.gate
        if self._is_open and (outer := noted()):
            # Whom to believe is known further out: without rules there was no reason to say it.
            gate = outer[2]
        token = note((scope, receive, gate, passage))
        error: BaseException | None = None
        try:
            await self.app(scope, receive, passage)
        except BaseException as raised:  # noqa: BLE001 - raised again at the end
            error = raised
        finally:
            forget(token)
            passage.let_go()
        try:
            if error is not None or self._settles or ENDS in scope:
                await self._end(scope, receive, send, passage, error)
        finally:
            error = None  # its traceback holds this frame

    async def _end(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        passage: AsgiPassage,
        error: BaseException | None,
    ) -> None:
        """Has the last word about a request, whose application has ended or raised `error`."""
        try:
            if isinstance(error, RateLimitExceeded) and not passage.has_begun:
                # A limited function below, in an application without a framework.
                await self._refuse(scope, receive, passage, send, error.decision)
            elif error is not None:
                raise error
        finally:
            error = None  # its traceback holds this frame
            if self._settles or ENDS in scope:
                await self._settle(scope, passage)

    async def _prepare(self, scope: Scope, receive: Receive) -> tuple[Receive, Answers | None]:
        """Finds out what the rules want to know; returns what is to be received from then on."""
        if self._facts and "app" in scope and is_starlette_loaded():
            import_module("tidegate.starlette").note_facts(scope, self._facts)
        if not (self._asks or self._reads) or not self.gate.counts_asgi(scope):
            return receive, None
        if self._reads:
            from tidegate._replay import read_asgi  # noqa: PLC0415 - for keys of forms only

            receive = await read_asgi(scope, receive)
        return receive, await self._ask(scope, receive) if self._asks else None

    async def _queued(
        self, scope: Scope, receive: Receive, passage: AsgiPassage, send: Send
    ) -> bool:
        """Waits for a request's turn, or refuses it: false then."""
        decision = passage.decision
        if decision:
            await _in_queue(decision)
            return True
        if self._has_own_answer:
            await self._refuse(scope, receive, passage, send, decision)
            return False
        for message in self.gate.refusal_asgi(scope, decision):
            await send(message)
        return False

    async def _settle(self, scope: Scope, passage: AsgiPassage) -> None:
        unsettled: list[tuple[Gate, Decision]] = scope.pop(ENDS, [])
        if passage.settles:
            unsettled.append((self.gate, passage.decision))
        status = passage.status
        response = Response.begun(status, passage.headers)
        for gate, decision in unsettled:
            await gate.asettle(decision, status, charges=charges(gate, response))

    async def _aenter(
        self, scope: Scope, receive: Receive, send: Send, answers: Answers | None
    ) -> AsgiPassage | None:
        if not self.gate.begin_asgi(scope):
            return None
        decision = await self.gate.aadmit_asgi(scope, receive=receive, keys=answers)
        return self.gate.passage_asgi(scope, send, decision)

    async def _ask(self, scope: Scope, receive: Receive) -> Answers:
        request = Request.from_asgi(scope)

        def subject(rule: int, keys: dict[int, str]) -> str:
            return self.gate.subject_asgi(scope, rule, receive=receive, keys=keys)

        applying = self.gate.applying_asgi(scope)
        return await arun(self._asker.questions(lambda call: call(request), applying, subject))

    async def _refuse(
        self,
        scope: Scope,
        receive: Receive,
        passage: AsgiPassage,
        send: Send,
        decision: Decision,
    ) -> None:
        messages: list[Any] = []
        if self._has_own_answer and scope["type"] == "http":
            request = Request.from_asgi(scope)
            made = await aanswer(self.gate, request, decision, request.headers.get("accept"))
            if isinstance(made, Own):
                if not callable(made.response):
                    raise ConfigError(
                        "on_breach must return an ASGI response, text, bytes, a dict, a tuple "
                        f"or None, got {shorten(made.response)}"
                    )
                passage.consider(decision)
                respond: Any = made.response
                await respond(scope, receive, passage)
                return
            fields = [(name.lower().encode(), value.encode()) for name, value in made.headers]
            start = {"type": "http.response.start", "status": made.status, "headers": fields}
            body = b"" if scope.get("method") == "HEAD" else made.body
            messages = [start, {"type": "http.response.body", "body": body}]
        for message in messages or self.gate.refusal_asgi(scope, decision):
            await send(message)


async def _in_queue(decision: Decision) -> None:
    from asyncio import sleep  # noqa: PLC0415 - for queueing limits only

    await sleep(decision.delay)
