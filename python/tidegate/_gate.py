"""One gate from the keyword arguments that `protect_app` and both middlewares share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

from tidegate._arguments import limit_string, seconds, seconds_ns, text, whole_number
from tidegate._keys import is_async, name_of
from tidegate._native import Gate, Rule
from tidegate._options import DEFAULT_LIMIT
from tidegate._template import checked_template
from tidegate.errors import ConfigError, ConfigTypeError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from os import PathLike

    from tidegate._native import Clock
    from tidegate._options import Keys, MiddlewareOptions, Seconds
    from tidegate.stores import StateStore

logger = logging.getLogger("tidegate")


def resolve_gate(gate: Gate | None, limit: str | int | None, options: MiddlewareOptions) -> Gate:
    """Returns the user's own gate, or one made of the limit and the options."""
    config = options.pop("config", None)
    if config is not None:
        if gate is not None:
            raise ConfigError("`gate` and `config` are both given: give one of the two")
        return gate_of(config, limit, options)
    if gate is None:
        return make_gate(limit, **cast("Any", options))
    # It comes from outside, where nobody may have checked types.
    if not isinstance(gate, Gate):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigTypeError(f"`gate` must be a tidegate.Gate, got {shorten(gate)}")
    if options or limit != DEFAULT_LIMIT:
        given = ", ".join(f"`{name}`" for name in options) or "`limit`"
        raise ConfigError(f"`gate` and {given} are both given: set them where the gate is made")
    return gate


def gate_of(
    config: str | PathLike[str], limit: str | int | None, options: Mapping[str, Any]
) -> Gate:
    """Returns the gate that a configuration file describes, beside which little can be said.

    Raises:
        ConfigError: what is wrong in the file; and an option that belongs there.
    """
    from tidegate._following import load_gate  # noqa: PLC0415 - it is for configurations only

    given = dict(options)
    beside = {name: given.pop(name, None) for name in ("clock", "on_breach", "template")}
    is_enabled = given.pop("enabled", True)
    if given or limit not in (None, DEFAULT_LIMIT):
        names = ", ".join(f"`{name}`" for name in given) or "`limit`"
        raise ConfigError(f"`config` and {names} are both given: say it in the file")
    loaded = load_gate(config, **beside)
    return loaded if is_enabled else make_gate(None)


def make_gate(
    limit: str | int | None,
    *,
    per_ip: bool = False,
    ip_ttl: float | timedelta | None = None,
    key: Keys | None = None,
    cost: int | Callable[..., object] = 1,
    name: str = "default",
    store: str | StateStore | Gate = "memory://",
    on_store_error: str = "local",
    lease: Seconds | None = None,
    trusted_proxies: Sequence[str] | int = (),
    forwarded_header: str = "x-forwarded-for",
    ipv6_prefix: int = 64,
    headers: str | Sequence[str] | None = None,
    clock: Clock | None = None,
    match: Mapping[str, str | Sequence[str]] | None = None,
    mode: str = "enforce",
    block: Seconds | Sequence[Seconds] | None = None,
    block_decay: Seconds | None = None,
    extend_on_attempt: bool = False,
    charge_on: Any = None,
    limit_for: Callable[..., object] | None = None,
    limit_ttl: float | timedelta = 60,
    exempt_when: Callable[..., object] | None = None,
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
    on_breach: Callable[..., object] | None = None,
    template: str | PathLike[str] | None = None,
    enabled: bool = True,
) -> Gate:
    """Makes a gate with one rule; the arguments are described at `protect_app`.

    With `limit` None there is no rule, and the gate lets in whom its lists do not keep out.
    """
    _refuse_contradictions(per_ip, key, ip_ttl)
    rules = []
    if limit is not None:
        rule = Rule(
            text("name", name),
            limit_string(limit),
            key=_rule_key("ip" if per_ip else key),
            cost=cost if callable(cost) else whole_number("cost", cost, least=0),
            on_store_error=text("on_store_error", on_store_error),
            lease=None if lease is None else seconds("lease", lease),
            match=match,
            mode=text("mode", mode),
            block=block,
            block_decay=block_decay,
            extend_on_attempt=extend_on_attempt,
            charge_on=charge_on,
            limit_for=limit_for,
            limit_ttl=limit_ttl,
            exempt_when=exempt_when,
        )
        rules = [rule] if enabled else []
    if on_breach is not None and not callable(on_breach):
        raise ConfigTypeError(f"`on_breach` must be a callable, got {shorten(on_breach)}")
    is_store = hasattr(store, "transact") or isinstance(store, Gate)
    return Gate(
        rules,
        store=cast("Any", store) if is_store else text("store", store),
        trusted_proxies=trusted_proxies,
        forwarded_header=text("forwarded_header", forwarded_header),
        ipv6_prefix=whole_number("ipv6_prefix", ipv6_prefix, least=1),
        headers=headers,
        clock=clock,
        allow=allow if enabled else (),
        deny=deny if enabled else (),
        on_breach=on_breach,
        template=None if template is None else checked_template(template),
    )


def refuse_async_callables(gate: Gate) -> None:
    """Raises ConfigError if a callable of a rule has to be awaited, which WSGI cannot do."""
    for kind, _, _, function in gate.callables:
        if is_async(function):
            raise ConfigError(
                f"the {kind} callable {name_of(function)} is async, and a wsgi application cannot "
                "await it: make it an ordinary function"
            )
    if gate.on_breach is not None and is_async(gate.on_breach):
        raise ConfigError(
            f"on_breach {name_of(gate.on_breach)} is async, and a wsgi application cannot await "
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


def _refuse_contradictions(per_ip: object, key: object, ip_ttl: object) -> None:
    if not isinstance(per_ip, bool):
        raise ConfigTypeError(f"`per_ip` must be True or False, got {shorten(per_ip)}")
    if per_ip and key is not None:
        raise ConfigError(f"`per_ip` and `key` {shorten(key)} are both given: give one of the two")
    if ip_ttl is not None and seconds_ns("ip_ttl", ip_ttl) <= 0:
        raise ConfigError(f"`ip_ttl` must be above 0 seconds, got {shorten(ip_ttl)}")


def _rule_key(key: object) -> Any:
    if key is None:
        return "global"
    if isinstance(key, (str, list, tuple)) or callable(key):
        return cast("Any", key)
    raise ConfigTypeError(
        '`key` must be "global", "ip", "path", "method", "header:NAME" or a callable, or a list '
        f"of several, got {shorten(key)}"
    )
