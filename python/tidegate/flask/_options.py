"""What the extension and its decorators take by keyword, for type checkers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import timedelta
    from typing import TypeAlias

    import flask

    from tidegate._options import GateOptions

    Value: TypeAlias = (
        str
        | int
        | Callable[[flask.Request], str | Awaitable[str | None] | None]
        | Callable[[], str | Awaitable[str | None] | None]
    )
    User: TypeAlias = Callable[[flask.Request], object] | Callable[[], object]

    class ExtensionOptions(GateOptions, total=False):
        """What `TideGate` takes by keyword."""

        user: User | None

    class SharedLimitOptions(GateOptions, total=False):
        """What `TideGate.shared_limit` takes by keyword."""

        methods: Sequence[str] | None
        per_method: bool
        override_defaults: bool
        deduct_when: Callable[[flask.Response], bool] | None
        requests: int
        period: float | timedelta | str
        burst: int
        algorithm: str

    class LimitOptions(SharedLimitOptions, total=False):
        """What `TideGate.limit` takes by keyword."""

        scope: str | Callable[[str], str] | None
