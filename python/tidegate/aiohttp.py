"""The gate in front of an aiohttp application.

aiohttp speaks neither ASGI nor WSGI, so a request is described as an ASGI scope here, and passes
the ASGI middleware on its way to the handler. What that middleware sends is the start of the
response: the limit's header fields, or all of a refusal.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tidegate._options import DEFAULT_LIMIT
from tidegate.asgi import TideGateMiddleware

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from typing_extensions import Unpack

    from tidegate._native import Gate
    from tidegate._options import MiddlewareOptions
    from tidegate.asgi import Message, Receive, Scope, Send

    Handler: TypeAlias = Callable[[web.Request], Awaitable[object]]

__all__ = ["setup"]

_EXCHANGE = "tidegate.exchange"


def setup(
    app: web.Application,
    limit: str | int | None = DEFAULT_LIMIT,
    *,
    gate: Gate | None = None,
    **options: Unpack[MiddlewareOptions],
) -> None:
    """Limits every request of an application, those to its sub-applications too.

    The decision is in the request, as `request["tidegate"]`. Call this once, for the outermost
    application, before it is served.

    Args:
        app: the application.
        limit: a limit string, or requests per second; None to limit nothing here, and only put
            the header fields of limits further in on the responses.
        gate: a gate of your own, instead of `limit` and the options.
        options: as for `tidegate.protect_app`. A callable among them is given a
            `tidegate.asgi.Request`, and may be async.
    """
    outer = TideGateMiddleware(_handle, limit, gate=gate, **options)

    @web.middleware
    async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
        exchange = _Exchange(request, handler)
        request[_EXCHANGE] = exchange
        await outer(exchange.scope, exchange.receive, exchange.collect)
        response: web.StreamResponse = exchange.answer()
        return response

    app.middlewares.insert(0, limited)
    app.on_response_prepare.append(_add_fields)


async def _handle(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's
    """The application behind the gate."""
    await scope[_EXCHANGE].handle(send)


async def _add_fields(request: web.Request, response: web.StreamResponse) -> None:
    """Puts the fields on a response that starts by itself: a stream, or an error of aiohttp's."""
    exchange: _Exchange | None = request.get(_EXCHANGE)
    if exchange is not None:
        await exchange.begin(response)


class _Exchange:
    """One request on its way through the gate, and the response to it."""

    def __init__(self, request: web.Request, handler: Handler) -> None:
        self._request = request
        self._handler = handler
        # By this name the gate finds the other end of the socket.
        self.transport = request.transport
        self._send: Send | None = None
        self._messages: list[Message] = []
        self._begun: web.StreamResponse | None = None
        self._is_answered = False
        self._response: object = None
        peer = None if self.transport is None else self.transport.get_extra_info("peername")
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": request.method,
            "scheme": request.scheme,
            "path": request.path,
            "query_string": request.rel_url.raw_query_string.encode("latin-1", "replace"),
            "headers": [(name.lower(), value) for name, value in request.raw_headers],
            # A tuple for TCP; the path, or nothing, for a Unix socket.
            "client": peer[:2] if isinstance(peer, tuple) else None,
            _EXCHANGE: self,
        }

    async def receive(self) -> Message:
        """The body, for a limit that reads a form; aiohttp keeps it for the handler."""
        return {"type": "http.request", "body": await self._request.read(), "more_body": False}

    async def collect(self, message: Message) -> None:
        """Takes what the gate lets out, or answers itself."""
        self._messages.append(message)

    async def handle(self, send: Send) -> None:
        """Runs the handler, and lets the start of its response out through the gate."""
        self._send = send
        if "tidegate" in self.scope:
            self._request["tidegate"] = self.scope["tidegate"]
        try:
            self._response = await self._handler(self._request)
        except web.HTTPException as error:
            # aiohttp raises its answers; as a response it would be deprecated.
            await self.begin(error)
            raise
        self._is_answered = True
        # One that has started has come by the signal, and what is no response is aiohttp's matter.
        if isinstance(self._response, web.StreamResponse) and not self._response.prepared:
            await self.begin(self._response)

    async def begin(self, response: web.StreamResponse) -> None:
        """Adds the fields, once to each response."""
        if self._send is None or self._begun is response:
            return
        self._begun = response
        start: Message = {"type": "http.response.start", "status": response.status, "headers": []}
        await self._send(start)
        for name, value in self._messages.pop()["headers"]:
            response.headers.add(name.decode("latin-1"), value.decode("latin-1"))

    def answer(self) -> Any:
        """The handler's response, or the gate's."""
        if self._is_answered:
            return self._response
        start, *rest = self._messages
        response = web.Response(
            status=start["status"], body=b"".join(message.get("body", b"") for message in rest)
        )
        for name, value in start["headers"]:
            response.headers[name.decode("latin-1")] = value.decode("latin-1")
        return response
