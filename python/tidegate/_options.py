"""The keyword arguments that every way to limit something shares, for type checkers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import timedelta
    from os import PathLike
    from typing import Any, TypeAlias, TypedDict

    from tidegate._native import Clock, Gate
    from tidegate._request import Request
    from tidegate.stores import StateStore

    Key: TypeAlias = str | Callable[..., str | Awaitable[str]]
    Keys: TypeAlias = Key | Sequence[Key]
    RequestKey: TypeAlias = str | Callable[[Request], str | Awaitable[str]]
    Seconds: TypeAlias = float | timedelta | str
    Statuses: TypeAlias = int | str | Sequence[int | str]

    class Options(TypedDict, total=False):
        """What every way to limit something takes by keyword; described at `protect_app`."""

        cost: int | Callable[..., int | Awaitable[int]]
        name: str
        store: str | StateStore | Gate
        on_store_error: str
        lease: Seconds | None
        trusted_proxies: Sequence[str] | int
        forwarded_header: str
        ipv6_prefix: int
        headers: str | Sequence[str]
        clock: Clock | None
        match: Mapping[str, str | Sequence[str]] | None
        mode: str
        block: Seconds | Sequence[Seconds] | None
        block_decay: Seconds | None
        extend_on_attempt: bool
        charge_on: Statuses | Callable[[Any], bool] | None
        limit_for: Callable[[str, Any], str | Awaitable[str | None] | None] | None
        limit_ttl: float | timedelta
        exempt_when: Callable[..., bool | Awaitable[bool]] | None
        allow: Sequence[str]
        deny: Sequence[str]
        on_breach: Callable[[Any, Any], Any] | None
        template: str | PathLike[str] | None
        enabled: bool

    class GateOptions(Options, total=False):
        """What an adapter takes by keyword, whose callables are given the framework's request."""

        key: Keys | None
        per_ip: bool
        ip_ttl: float | timedelta | None
        config: str | PathLike[str] | None

    class ProtectOptions(Options, total=False):
        """What `protect_app` takes by keyword."""

        key: RequestKey | Sequence[RequestKey] | None
        config: str | PathLike[str] | None

    class MiddlewareOptions(ProtectOptions, total=False):
        """What a middleware takes by keyword, and `protect_app` by position too."""

        per_ip: bool
        ip_ttl: float | timedelta | None


DEFAULT_LIMIT = "100/second"
