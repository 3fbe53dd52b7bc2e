"""`protect_app`: finds out what an application is, and puts the gate in front of it."""

from __future__ import annotations

from typing import Any, TypeVar, cast, overload

from tidegate import asgi, wsgi
from tidegate._detect import kind_of, leads_to_environ
from tidegate._gate import resolve_gate
from tidegate._options import DEFAULT_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Protocol

    from _typeshed.wsgi import WSGIApplication
    from typing_extensions import Unpack

    from tidegate._native import Gate
    from tidegate._options import MiddlewareOptions, ProtectOptions

    class FlaskLike(Protocol):
        """Flask, which calls its own `wsgi_app`."""

        @property
        def wsgi_app(self) -> Any: ...

    class StarletteLike(Protocol):
        """Starlette and FastAPI, which build their middleware at the first request."""

        def build_middleware_stack(self) -> Any: ...

    class AiohttpLike(Protocol):
        """aiohttp, which has a list of signals for responses."""

        @property
        def on_response_prepare(self) -> Any: ...


App = TypeVar("App", bound="FlaskLike | StarletteLike | AiohttpLike")


@overload
def protect_app(
    app: App,
    limit: str | int | None = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[ProtectOptions],
) -> App: ...
@overload
def protect_app(
    app: asgi.ASGIApp,
    limit: str | int | None = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[ProtectOptions],
) -> asgi.TideGateMiddleware: ...
@overload
def protect_app(
    app: WSGIApplication,
    limit: str | int | None = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[ProtectOptions],
) -> wsgi.TideGateMiddleware: ...
@overload
def protect_app(
    app: Callable[..., object],
    limit: str | int | None = ...,
    per_ip: bool = ...,
    ip_ttl: float | timedelta | None = ...,
    *,
    gate: Gate | None = ...,
    **options: Unpack[ProtectOptions],
) -> Any: ...
def protect_app(
    app: Any,
    limit: str | int | None = DEFAULT_LIMIT,
    per_ip: bool = False,
    ip_ttl: float | timedelta | None = None,
    *,
    gate: Gate | None = None,
    **options: Unpack[ProtectOptions],
) -> Any:
    """Limits every request of a web application, whatever it is made with.

    What is over the limit is answered with a 429 before the application sees it. Everything
    else gets the limit's header fields, also a 404 and a 500. CORS preflights are not counted.

    Args:
        app: a Flask, FastAPI, Starlette, Django, aiohttp, or any other ASGI 3 or WSGI
            application.
        limit: a limit string such as "100/minute", or requests per second; None to limit nothing
            here, and only put the header fields of limits further in on the responses.
        per_ip: count each client address by itself. Without it, all clients share the limit.
        ip_ttl: seconds or a timedelta. Accepted, and not needed: an address is forgotten once
            its quota is full again.
        gate: a gate of your own, instead of `limit` and the options.
        config: a configuration file, TOML or YAML, instead of `limit` and most options; it is
            followed when it changes. See `tidegate.load_gate`.
        key: who is counted, instead of `per_ip`: "global", "ip", "user", "path", "route",
            "method", "host", or "header", "cookie", "query" or "form" with a name such as
            "header:x-api-key"; a callable that is given a `tidegate.asgi.Request`, also under
            WSGI, and returns the key; or a list of several, counted together. A callable, here
            and below, may be async under ASGI.
        cost: units that one request takes, or a callable that is given the request.
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
            several of them. If omitted, "x-ratelimit", or those of a middleware around.
        clock: a test's clock.
        match: which requests are limited: a mapping with any of "path" and "exclude" (globs),
            "route", "methods" and "hosts".
        mode: "enforce", or "shadow" to count what would be refused and refuse nothing.
        block: for how long a key is kept out once it has gone over the limit, or a list of for
            how long the first time, the second, and so on.
        block_decay: after how long one breach is forgotten; 24 hours if omitted.
        extend_on_attempt: whether an attempt starts a running block anew.
        charge_on: statuses such as "401" or "4xx" that are charged for; what any other response
            took is given back. Or a callable that is given the response.
        limit_for: a callable that is given the key and the request, and returns the limit of
            that key: a limit string, or None for `limit`.
        limit_ttl: seconds for which an answer of `limit_for` is kept.
        exempt_when: a callable that is given the request, and returns whether it is left alone.
        allow: addresses and networks that are not limited.
        deny: addresses and networks that are refused with a 403.
        on_breach: a callable that is given the request and the decision, and returns what
            answers a refused request: text, bytes, a dict, a tuple of one of these with a status
            and perhaps header fields, a response of the framework, or None for the usual answer.
        template: the body of that answer, as text or the path of a file, with places such as
            `$retry_after`, `$limit`, `$rule` and `$id`.
        enabled: False to let everything through, for tests and development.

    Returns:
        The same object for Flask, Starlette, FastAPI and aiohttp; for all others the protected
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
        middleware = wsgi.TideGateMiddleware(app.wsgi_app, gate=made)
        app.wsgi_app = middleware.way(is_kept=leads_to_environ(app))
        return app
    if kind == "starlette":
        return _protect_starlette(app, made)
    if kind == "aiohttp":
        from tidegate import aiohttp  # noqa: PLC0415 - imports the framework

        aiohttp.setup(app, gate=made)
        return app
    if kind == "asgi":
        return asgi.TideGateMiddleware(app, gate=made)
    return wsgi.TideGateMiddleware(app, gate=made)


def _protect_starlette(app: Any, gate: Gate) -> Any:
    """Puts the gate around everything that Starlette builds, its handler of errors too."""
    from tidegate.starlette import checked  # noqa: PLC0415 - it imports Starlette

    build = app.build_middleware_stack

    def build_behind_the_gate() -> asgi.ASGIApp:
        return asgi.TideGateMiddleware(checked(app, build()), gate=gate).way

    app.build_middleware_stack = build_behind_the_gate
    if app.middleware_stack is not None:
        # It has served requests already, and will not build again.
        app.middleware_stack = asgi.TideGateMiddleware(app.middleware_stack, gate=gate).way
    return app
