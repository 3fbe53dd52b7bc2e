"""What the extension and its decorators take by keyword, for type checkers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import timedelta
    from typing import Any, TypeAlias, TypedDict

    import flask

    from tidegate._native import Clock, Decision
    from tidegate.stores import StateStore

    Key: TypeAlias = (
        str | Callable[[flask.Request], str | Awaitable[str]] | Callable[[], str | Awaitable[str]]
    )
    Condition: TypeAlias = (
        Callable[[flask.Request], bool | Awaitable[bool]] | Callable[[], bool | Awaitable[bool]]
    )
    Cost: TypeAlias = int | Callable[[flask.Request], int] | Callable[[], int]
    Value: TypeAlias = (
        str
        | int
        | Callable[[flask.Request], str | Awaitable[str | None] | None]
        | Callable[[], str | Awaitable[str | None] | None]
    )
    OnBreach: TypeAlias = Callable[[flask.Request, Decision], Any]
    User: TypeAlias = Callable[[flask.Request], object] | Callable[[], object]

    class CommonOptions(TypedDict, total=False):
        """What both take."""

        key: Key | None
        per_ip: bool
        ip_ttl: float | timedelta | None
        name: str
        store: str | StateStore
        on_store_error: str
        lease: float | timedelta | str | None
        trusted_proxies: Sequence[str] | int
        forwarded_header: str
        ipv6_prefix: int
        headers: str | Sequence[str]
        clock: Clock | None
        on_breach: OnBreach | None

    class ExtensionOptions(CommonOptions, total=False):
        """What `TideGate` takes by keyword."""

        cost: int
        user: User | None
        enabled: bool

    class SharedLimitOptions(CommonOptions, total=False):
        """What `TideGate.shared_limit` takes by keyword."""

        methods: Sequence[str] | None
        per_method: bool
        exempt_when: Condition | None
        override_defaults: bool
        cost: Cost
        charge_on: str | Sequence[str] | None
        deduct_when: Callable[[flask.Response], bool] | None
        requests: int
        period: float | timedelta | str
        burst: int
        algorithm: str

    class LimitOptions(SharedLimitOptions, total=False):
        """What `TideGate.limit` takes by keyword."""

        scope: str | Callable[[str], str] | None
