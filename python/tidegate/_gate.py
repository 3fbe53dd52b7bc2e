"""One gate from the keyword arguments that `protect_app` and both middlewares share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from tidegate._arguments import limit_string, seconds, seconds_ns, text, whole_number
from tidegate._keys import is_async, name_of
from tidegate._native import Gate, Rule
from tidegate.errors import ConfigError, ConfigTypeError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import timedelta
    from typing import Any, TypeAlias, TypedDict

    from tidegate._native import Clock
    from tidegate._request import Request
    from tidegate.stores import StateStore

    RequestKey: TypeAlias = str | Callable[[Request], str | Awaitable[str]]

    class Options(TypedDict, total=False):
        """What every way to limit something takes by keyword; described at `protect_app`."""

        cost: int
        name: str
        store: str | StateStore
        on_store_error: str
        lease: float | timedelta | str | None
        trusted_proxies: Sequence[str] | int
        forwarded_header: str
        ipv6_prefix: int
        headers: str | Sequence[str]
        clock: Clock | None

    class GateOptions(Options, total=False):
        """What `protect_app` takes by keyword."""

        key: RequestKey | None

    class MiddlewareOptions(GateOptions, total=False):
        """What a middleware takes by keyword, and `protect_app` by position too."""

        per_ip: bool
        ip_ttl: float | timedelta | None


DEFAULT_LIMIT = "100/second"

logger = logging.getLogger("tidegate")


def resolve_gate(gate: Gate | None, limit: str | int, options: MiddlewareOptions) -> Gate:
    """Returns the user's own gate, or one made of the limit and the options."""
    if gate is None:
        return make_gate(limit, **options)
    # It comes from outside, where nobody may have checked types.
    if not isinstance(gate, Gate):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigTypeError(f"`gate` must be a tidegate.Gate, got {shorten(gate)}")
    if options or limit != DEFAULT_LIMIT:
        given = ", ".join(f"`{name}`" for name in options) or "`limit`"
        raise ConfigError(f"`gate` and {given} are both given: set them where the gate is made")
    return gate


def make_gate(
    limit: str | int,
    *,
    per_ip: bool = False,
    ip_ttl: float | timedelta | None = None,
    key: str | Callable[..., object] | None = None,
    cost: int = 1,
    name: str = "default",
    store: str | StateStore = "memory://",
    on_store_error: str = "local",
    lease: float | timedelta | str | None = None,
    trusted_proxies: Sequence[str] | int = (),
    forwarded_header: str = "x-forwarded-for",
    ipv6_prefix: int = 64,
    headers: str | Sequence[str] = "x-ratelimit",
    clock: Clock | None = None,
) -> Gate:
    """Makes a gate with one rule; the arguments are described at `protect_app`."""
    if not isinstance(per_ip, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigTypeError(f"`per_ip` must be True or False, got {shorten(per_ip)}")
    if per_ip and key is not None:
        raise ConfigError(f"`per_ip` and `key` {shorten(key)} are both given: give one of the two")
    if ip_ttl is not None and seconds_ns("ip_ttl", ip_ttl) <= 0:
        raise ConfigError(f"`ip_ttl` must be above 0 seconds, got {shorten(ip_ttl)}")
    rule = Rule(
        text("name", name),
        limit_string(limit),
        key=_rule_key("ip" if per_ip else key),
        cost=whole_number("cost", cost, least=0),
        on_store_error=text("on_store_error", on_store_error),
        lease=None if lease is None else seconds("lease", lease),
    )
    return Gate(
        [rule],
        store=store if hasattr(store, "transact") else text("store", store),
        trusted_proxies=trusted_proxies,
        forwarded_header=text("forwarded_header", forwarded_header),
        ipv6_prefix=whole_number("ipv6_prefix", ipv6_prefix, least=1),
        headers=headers,
        clock=clock,
    )


def refuse_async_keys(gate: Gate) -> None:
    """Raises ConfigError if a rule's key has to be awaited, which WSGI cannot do."""
    for _, key in gate.key_callables:
        if is_async(key):
            raise ConfigError(
                f"the key callable {name_of(key)} is async, and a wsgi application cannot await "
                "it: make it an ordinary function"
            )


def warn_of_ignored_forwarding(peer: str) -> None:
    """Says in the log that a peer who is not trusted sent a forwarding header.

    The compiled module calls this for the first such request of a gate.
    """
    logger.warning(
        "%s sent a forwarding header and is no trusted proxy, so the header is ignored and "
        "its own address counts; if it is your proxy, set trusted_proxies=[%r]",
        peer,
        peer,
    )


def _rule_key(key: object) -> Any:
    if key is None:
        return "global"
    if isinstance(key, str) or callable(key):
        return key
    raise ConfigTypeError(
        '`key` must be "global", "ip", "path", "method", "header:NAME" or a callable, '
        f"got {shorten(key)}"
    )
