"""The gate in front of a WSGI application.

Imports no framework. The application's iterable is returned as it is, so a stream stays a
stream; only header fields are added when the response starts.
"""

from __future__ import annotations

import sys
import time

from tidegate._current import current
from tidegate._gate import DEFAULT_LIMIT, refuse_async_keys, resolve_gate
from tidegate._keys import checked_key
from tidegate._request import Request
from tidegate.errors import RateLimitExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from typing_extensions import Unpack

    from tidegate._gate import MiddlewareOptions
    from tidegate._native import Decision, Gate

__all__ = ["Request", "TideGateMiddleware"]


class TideGateMiddleware:
    """Refuses what is over the limit with a 429, and puts the limit's header fields on the rest.

    The decision is in the environ, as `environ["tidegate.decision"]`. A request that passes
    the same gate twice, in a mounted application say, is counted once. A CORS preflight is not
    counted.

    Args:
        app: the application.
        limit: a limit string, or requests per second.
        gate: a gate of your own, instead of `limit` and the options.
        options: as for `tidegate.protect_app`. A `key` that is a callable is given a
            `Request` and must not be async.
    """

    def __init__(
        self,
        app: WSGIApplication,
        limit: str | int = DEFAULT_LIMIT,
        *,
        gate: Gate | None = None,
        **options: Unpack[MiddlewareOptions],
    ) -> None:
        self.app = app
        self.gate = resolve_gate(gate, limit, options)
        refuse_async_keys(self.gate)
        self._enter = self.gate.enter_wsgi
        self._key_callables = self.gate.key_callables

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        keys = None
        if self._key_callables and self.gate.counts_wsgi(environ):
            keys = self._keys(environ)
        passage = self._enter(environ, start_response, keys)
        if passage is None:
            return self.app(environ, start_response)
        if not passage:
            decision = passage.decision
            if not decision:
                return self._refuse(environ, start_response, decision)
            time.sleep(decision.delay)
        token = current.set((environ, None, self.gate))
        try:
            return self.app(environ, passage)
        except RateLimitExceeded as exceeded:
            # A limited function below, in an application without a framework. With the
            # exception's traceback, the server replaces a response that has only begun.
            return self._refuse(environ, start_response, exceeded.decision, sys.exc_info())
        finally:
            current.reset(token)

    def _keys(self, environ: WSGIEnvironment) -> dict[int, str]:
        request = Request.from_wsgi(environ)
        return {
            rule: checked_key(function(request), function) for rule, function in self._key_callables
        }

    def _refuse(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        decision: Decision,
        exc_info: OptExcInfo | None = None,
    ) -> Iterable[bytes]:
        status, headers, body = self.gate.refusal_wsgi(environ, decision)
        if exc_info is None:
            start_response(status, headers)
        else:
            start_response(status, headers, exc_info)
        return body
