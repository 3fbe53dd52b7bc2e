"""The gate in front of a WSGI application.

Imports no framework. The application's iterable is returned as it is, so a stream stays a
stream; only header fields are added when the response starts.
"""

from __future__ import annotations

import sys
import time
from http import HTTPStatus

from tidegate._current import forget, note_wsgi
from tidegate._gate import (
    DEFAULT_LIMIT,
    refuse_async_keys,
    resolve_gate,
    warn_of_ignored_forwarding,
)
from tidegate._keys import checked_key
from tidegate._request import Request
from tidegate.errors import RateLimitExceeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
        self._key_callables = self.gate.key_callables

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves one request."""
        if self._is_free(environ):
            return self.app(environ, start_response)
        decision = self.gate.admit_wsgi(environ, keys=self._keys(environ))
        environ["tidegate.decision"] = decision
        warn_of_ignored_forwarding(self.gate)
        if not decision:
            return self._refuse(environ, start_response, decision)
        if decision.delay:
            time.sleep(decision.delay)
        return self._serve(environ, start_response, decision)

    def _is_free(self, environ: WSGIEnvironment) -> bool:
        """True for a preflight, and for a request that has passed this gate already."""
        if (
            environ.get("REQUEST_METHOD") == "OPTIONS"
            and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        ):
            return True
        passed: list[Gate] = environ.setdefault("tidegate.gates", [])
        if self.gate in passed:
            return True
        passed.append(self.gate)
        return False

    def _keys(self, environ: WSGIEnvironment) -> dict[int, str] | None:
        if not self._key_callables:
            return None
        request = Request.from_wsgi(environ)
        return {
            rule: checked_key(function(request), function) for rule, function in self._key_callables
        }

    def _serve(
        self, environ: WSGIEnvironment, start_response: StartResponse, decision: Decision
    ) -> Iterable[bytes]:
        fields = self.gate.response_headers(decision)

        def start_with_fields(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: OptExcInfo | None = None,
            /,
        ) -> Callable[[bytes], object]:
            merged = _merged(headers, fields)
            if exc_info is None:
                return start_response(status, merged)
            return start_response(status, merged, exc_info)

        token = note_wsgi(environ, self.gate)
        try:
            return self.app(environ, start_with_fields)
        except RateLimitExceeded as exceeded:
            # A limited function below, in an application without a framework. With the
            # exception's traceback, the server replaces a response that has only begun.
            return self._refuse(environ, start_response, exceeded.decision, sys.exc_info())
        finally:
            forget(token)

    def _refuse(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        decision: Decision,
        exc_info: OptExcInfo | None = None,
    ) -> Iterable[bytes]:
        refusal = self.gate.refusal(decision, environ.get("HTTP_ACCEPT"))
        status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
        if exc_info is None:
            start_response(status, refusal.headers)
        else:
            start_response(status, refusal.headers, exc_info)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [refusal.body]


def _merged(own: list[tuple[str, str]], fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The application's fields and ours; only its own if it has set one of ours."""
    names = {name.lower() for name, _ in fields}
    if any(name.lower() in names for name, _ in own):
        return own
    return [*own, *fields]
