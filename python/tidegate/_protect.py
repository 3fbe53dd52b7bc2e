"""`protect_app`: finds out what an application is, and puts the gate in front of it."""

from __future__ import annotations

from typing import Any, TypeVar, cast, overload

from tidegate import asgi, wsgi
from tidegate._detect import kind_of
from tidegate._gate import DEFAULT_LIMIT, resolve_gate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Protocol

    from _typeshed.wsgi import WSGIApplication
    from typing_extensions import Unpack

    from tidegate._gate import GateOptions, MiddlewareOptions
    from tidegate._native import Gate

    class FlaskLike(Protocol):
        """Flask, which calls its own `wsgi_app`."""

        @property
        def wsgi_app(self) -> Any: ...

    class StarletteLike(Protocol):
        """Starlette and FastAPI, which build their middleware at the first request."""

        def build_middleware_stack(self) -> Any: ...


App = TypeVar("App", bound="FlaskLike | StarletteLike")


@overload
def protect_app(
    app: App,
    limit: str | int = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[GateOptions],
) -> App: ...
@overload
def protect_app(
    app: asgi.ASGIApp,
    limit: str | int = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[GateOptions],
) -> asgi.TideGateMiddleware: ...
@overload
def protect_app(
    app: WSGIApplication,
    limit: str | int = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[GateOptions],
) -> wsgi.TideGateMiddleware: ...
@overload
def protect_app(
    app: Callable[..., object],
    limit: str | int = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[GateOptions],
) -> Any: ...
def protect_app(
    app: Any,
    limit: str | int = DEFAULT_LIMIT,
    per_ip: bool = False,
    ip_ttl: float | timedelta | None = None,
    *,
    gate: Gate | None = None,
    **options: Unpack[GateOptions],
) -> Any:
    """Limits every request of a web application, whatever it is made with.

    What is over the limit is answered with a 429 before the application sees it. Everything
    else gets the limit's header fields, also a 404 and a 500. CORS preflights are not counted.

    Args:
        app: a Flask, FastAPI, Starlette, Django, or any other ASGI 3 or WSGI application.
        limit: a limit string such as "100/minute", or requests per second.
        per_ip: count each client address by itself. Without it, all clients share the limit.
        ip_ttl: seconds or a timedelta. Accepted, and not needed: an address is forgotten once
            its quota is full again.
        gate: a gate of your own, instead of `limit` and the options.
        key: who is counted, instead of `per_ip`: "global", "ip", "path", "method",
            "header:NAME", or a callable that is given a `tidegate.asgi.Request`, also under
            WSGI, and returns the key; async callables under ASGI only.
        cost: units that one request takes.
        name: what decisions and headers call the limit.
        store: the URL of the store.
        on_store_error: what becomes of a request when the store gives no answer in time: "local"
            decides in this process, "open" admits, "closed" refuses with a 503.
        lease: seconds, a timedelta or text: how long units may be taken from a store in a server
            in advance.
        trusted_proxies: addresses and CIDR ranges of your proxies, or how many of them are in
            a row. Without it, forwarding headers are ignored.
        forwarded_header: the header that the proxies write.
        ipv6_prefix: bits of an IPv6 address that count as one client.
        headers: the header fields to send: "x-ratelimit", "draft", "legacy", "none", or
            several of them.
        clock: a test's clock.

    Returns:
        The same object for Flask, Starlette and FastAPI; for all others the protected
        application, which takes the place of `app`.

    Raises:
        ConfigError: naming the argument that is wrong.

    Example:
        >>> from flask import Flask
        >>> from tidegate import protect_app
        >>> app = Flask("shop")
        >>> protect_app(app, "100/minute", per_ip=True) is app
        True
    """
    settings = cast("MiddlewareOptions", options)
    if per_ip is not False:
        settings["per_ip"] = per_ip
    if ip_ttl is not None:
        settings["ip_ttl"] = ip_ttl
    kind = kind_of(app)
    made = resolve_gate(gate, limit, settings)
    if kind == "flask":
        app.wsgi_app = wsgi.TideGateMiddleware(app.wsgi_app, gate=made)
        return app
    if kind == "starlette":
        return _protect_starlette(app, made)
    if kind == "asgi":
        return asgi.TideGateMiddleware(app, gate=made)
    return wsgi.TideGateMiddleware(app, gate=made)


def _protect_starlette(app: Any, gate: Gate) -> Any:
    """Puts the gate around everything that Starlette builds, its handler of errors too."""
    from tidegate.starlette import checked  # noqa: PLC0415 - it imports Starlette

    build = app.build_middleware_stack

    def build_behind_the_gate() -> asgi.TideGateMiddleware:
        return asgi.TideGateMiddleware(checked(app, build()), gate=gate)

    app.build_middleware_stack = build_behind_the_gate
    if app.middleware_stack is not None:
        # It has served requests already, and will not build again.
        app.middleware_stack = asgi.TideGateMiddleware(app.middleware_stack, gate=gate)
    return app
