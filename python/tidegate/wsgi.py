"""The gate in front of a WSGI application.

Imports no framework. The application's iterable is returned as it is, so a stream stays a
stream; only header fields are added when the response starts.
"""

from __future__ import annotations

import time
from typing import cast

from tidegate._asking import Asker, run
from tidegate._breach import Own, answer, ask
from tidegate._current import around, forget, note
from tidegate._gate import refuse_async_callables, resolve_gate
from tidegate._native import WsgiEntry
from tidegate._options import DEFAULT_LIMIT
from tidegate._request import Request
from tidegate._settling import Response, charges
from tidegate.errors import ConfigError, RateLimitExceeded, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from typing_extensions import Unpack

    from tidegate._native import Answers, Decision, Gate, WsgiPassage
    from tidegate._options import MiddlewareOptions

__all__ = ["Request", "TideGateMiddleware"]


class TideGateMiddleware:
    """Refuses what is over the limit with a 429, and puts the limit's header fields on the rest.

    The decision is in the environ, as `environ["tidegate.decision"]`: of several that were made
    about the request, the one that binds most. A request that passes the same gate twice, in a
    mounted application say, is counted once. A CORS preflight is not counted.

    Args:
        app: the application.
        limit: a limit string, or requests per second; None to limit nothing here, and only put
            the header fields of limits further in on the responses.
        gate: a gate of your own, instead of `limit` and the options.
        options: as for `tidegate.protect_app`. A callable among them is given a `Request`, and
            must not be async.
    """

    def __init__(
        self,
        app: WSGIApplication,
        limit: str | int | None = DEFAULT_LIMIT,
        *,
        gate: Gate | None = None,
        **options: Unpack[MiddlewareOptions],
    ) -> None:
        self.app = app
        self.gate = resolve_gate(gate, limit, options)
        refuse_async_callables(self.gate)
        self._enter = self.gate.enter_wsgi
        self._settles = self.gate.settles
        self._asker = Asker(self.gate)
        self._asks = self._asker.is_needed
        self._follows = self.gate.version is not None
        self._look()
        self._has_own_answer = self.gate.on_breach is not None or self.gate.template is not None
        self._served_by: WSGIApplication = self._short_way(is_kept=False) or self._serve

    def way(self, *, is_kept: bool) -> WSGIApplication:
        """The same as the middleware itself, with one call less.

        Args:
            is_kept: whether what runs in the application finds the environ by a context of the
                framework's.
        """
        return self._short_way(is_kept=is_kept) or self

    def _short_way(self, *, is_kept: bool) -> WsgiEntry | None:
        """Goes past everything that there may be to find out, where there is nothing."""
        if self._settles or self._prepares or self._follows:
            return None
        app, gate = self.app, self.gate
        return WsgiEntry(self, app, gate, self._is_open, self._go, self._exceeded, is_kept)

    def _look(self) -> None:
        """Notes what the gate's rules want to know, as they are now."""
        self._version = self.gate.version
        self._is_open = not self.gate.rules
        self._reads = "form" in self.gate.needs
        self._prepares = self._asks or self._reads

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        return self._served_by(environ, start_response)

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request, about which there may be something to find out first."""
        if self._follows and self._version != self.gate.version:
            self._look()
        answers = self._prepare(environ) if self._prepares else None
        passage = self._enter(environ, start_response, answers)
        if passage is None:
            return self.app(environ, start_response)
        return self._go(environ, start_response, passage)

    def _go(
        self, environ: WSGIEnvironment, start_response: StartResponse, passage: WsgiPassage
    ) -> Iterable[bytes]:
        """Serves a request that the gate has decided about."""
        if not passage:
            decision = passage.decision
            if not decision:
                return self._refuse(environ, passage, start_response, decision)
            time.sleep(decision.delay)
        gate = self.gate
        if self._is_open and (outer := around()):
            # Whom to believe is known further out: without rules there was no reason to say it.
            gate = outer[2]
        token = note((environ, None, gate, passage))
        settles = is_over = self._settles and passage.settles
        try:
            body = self.app(environ, passage)
            is_over = False
        except RateLimitExceeded as exceeded:
            return self._exceeded(environ, start_response, passage, exceeded)
        finally:
            forget(token)
            if is_over:
                self.settle(passage)
        return _Settling(body, self, passage) if settles else body

    def _exceeded(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        passage: WsgiPassage,
        exceeded: RateLimitExceeded,
    ) -> Iterable[bytes]:
        """Refuses for a limited function below, in an application without a framework."""
        # With the exception's traceback, the server replaces a response that has only begun.
        exc_info = cast("OptExcInfo", (type(exceeded), exceeded, exceeded.__traceback__))
        return self._refuse(environ, passage, start_response, exceeded.decision, exc_info)

    def _prepare(self, environ: WSGIEnvironment) -> Answers | None:
        """Finds out what the rules want to know."""
        if not self.gate.counts_wsgi(environ):
            return None
        if self._reads:
            from tidegate._replay import read_wsgi  # noqa: PLC0415 - for keys of forms only

            read_wsgi(environ)
        return self._ask(environ) if self._asks else None

    def settle(self, passage: WsgiPassage) -> None:
        """Tells the gate how a request ended."""
        response = Response.begun(passage.status, passage.headers)
        told = charges(self.gate, response)
        self.gate.settle(passage.decision, passage.status, charges=told)

    def _ask(self, environ: WSGIEnvironment) -> Answers:
        request = Request.from_wsgi(environ)

        def subject(rule: int, keys: dict[int, str]) -> str:
            return self.gate.subject_wsgi(environ, rule, keys=keys)

        applying = self.gate.applying_wsgi(environ)
        return run(self._asker.questions(lambda call: call(request), applying, subject))

    def _refuse(
        self,
        environ: WSGIEnvironment,
        passage: WsgiPassage,
        start_response: StartResponse,
        decision: Decision,
        exc_info: OptExcInfo | None = None,
    ) -> Iterable[bytes]:
        if self._has_own_answer:
            accept = environ.get("HTTP_ACCEPT")
            request = Request.from_wsgi(environ)
            made = answer(self.gate, decision, ask(self.gate, request, decision), accept)
            if isinstance(made, Own):
                return self._respond(environ, passage, decision, made.response)
            status, headers = _line(made.status), made.headers
            body = [] if environ.get("REQUEST_METHOD") == "HEAD" else [made.body]
        else:
            status, headers, body = self.gate.refusal_wsgi(environ, decision)
        if exc_info is None:
            start_response(status, headers)
        else:
            start_response(status, headers, exc_info)
        return body

    def _respond(
        self, environ: WSGIEnvironment, passage: WsgiPassage, decision: Decision, response: Any
    ) -> Iterable[bytes]:
        if not callable(response):
            raise ConfigError(
                "on_breach must return a WSGI response, text, bytes, a dict, a tuple or None, "
                f"got {shorten(response)}"
            )
        passage.consider(decision)
        body: Any = response(environ, passage)
        return cast("Iterable[bytes]", body)


class _Settling:
    """A response's body, whose end is told to the gate."""

    def __init__(
        self, body: Iterable[bytes], gate: TideGateMiddleware, passage: WsgiPassage
    ) -> None:
        self._body = body
        self._gate = gate
        self._passage = passage

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Called by the server at the end, whatever the end was."""
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._gate.settle(self._passage)


def _line(status: int) -> str:
    from http import HTTPStatus  # noqa: PLC0415 - for answers of the user's only

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"
