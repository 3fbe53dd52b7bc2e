"""What the compiled module offers. Times are seconds unless a name says otherwise."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, Literal, TypeVar, final

_T_co = TypeVar("_T_co", covariant=True)

Reason = Literal["limit", "penalty", "deny_list", "shield", "overload", "store_error", "never"]

@final
class Ready(Awaitable[_T_co], Generic[_T_co]):
    """An answer that is already there: awaiting it never suspends."""

    def __await__(self) -> Any: ...

@final
class Clock:
    """A clock that stands still until it is told to move."""

    def __new__(cls, *, unix: float = 1_700_000_000.0) -> Clock: ...
    def advance(self, seconds: float | timedelta) -> None: ...
    def advance_ns(self, nanoseconds: int) -> None: ...
    @property
    def now_ns(self) -> int: ...
    @property
    def unix(self) -> float: ...

@final
class Decision:
    """The answer to one request. Truthy when the request may go ahead."""

    @property
    def allowed(self) -> bool: ...
    @property
    def limit(self) -> int: ...
    @property
    def remaining(self) -> int: ...
    @property
    def retry_after(self) -> float: ...  # 0.0 when allowed, inf when it can never pass
    @property
    def reset_after(self) -> float: ...
    @property
    def delay(self) -> float: ...  # wait this long before going ahead; 0.0 but for a queue
    @property
    def rule(self) -> str: ...
    @property
    def reason(self) -> Reason | None: ...  # None when allowed
    @property
    def key(self) -> str | None: ...  # the subject that was counted (the binding limit's)
    @property
    def address(self) -> str | None: ...  # the client's address, when a gate resolved one
    @property
    def address_source(self) -> str | None: ...  # "peer", "forwarded", ...
    @property
    def id(self) -> str: ...
    def headers(self, profile: str | Sequence[str] = "x-ratelimit") -> dict[str, str]: ...
    def __bool__(self) -> bool: ...

class Limiter:
    """Limits and the store that counts. `tidegate.Limiter` adds what has to wait."""

    def __new__(
        cls,
        limit: str,
        *,
        name: str = "default",
        store: str = "memory://",
        clock: Clock | None = None,
    ) -> Limiter: ...
    @property
    def name(self) -> str: ...
    @property
    def limit(self) -> str: ...  # the limits, in canonical spelling
    def check(self, key: str, *, cost: int = 1) -> Decision: ...
    def allow(self, key: str, *, cost: int = 1) -> bool: ...
    def peek(self, key: str, *, cost: int = 1) -> Decision: ...
    def reset(self, key: str) -> None: ...
    def refund(self, key: str, *, cost: int = 1) -> None: ...
    def debit(self, key: str, *, cost: int = 1) -> None: ...
    def settle(self, key: str, *, reserved: int, actual: int, at_ns: int) -> None: ...
    def now_ns(self) -> int: ...  # this limiter's clock, for `settle`
    def acheck(self, key: str, *, cost: int = 1) -> Ready[Decision]: ...
    def aallow(self, key: str, *, cost: int = 1) -> Ready[bool]: ...
    def apeek(self, key: str, *, cost: int = 1) -> Ready[Decision]: ...
    def areset(self, key: str) -> Ready[None]: ...
    def arefund(self, key: str, *, cost: int = 1) -> Ready[None]: ...
    def adebit(self, key: str, *, cost: int = 1) -> Ready[None]: ...

@final
class Rule:
    """A named limit, and whom it counts.

    `key` is "global", "ip", "path", "method", "header:NAME", or a callable that is given the
    framework's request and returns the key.
    """

    def __new__(
        cls,
        name: str,
        limit: str,
        *,
        key: str | Callable[[Any], str] = "global",
        cost: int = 1,
    ) -> Rule: ...
    @property
    def name(self) -> str: ...
    @property
    def limit(self) -> str: ...
    @property
    def key(self) -> str | Callable[[Any], str]: ...
    @property
    def cost(self) -> int: ...

@final
class Refusal:
    """The response to a request that may not go ahead."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> list[tuple[str, str]]: ...  # content type and length, Retry-After, profile fields
    @property
    def body(self) -> bytes: ...
    def asgi_headers(self) -> list[tuple[bytes, bytes]]: ...

@final
class Gate:
    """What every request passes: who is calling, then the rules, all or nothing."""

    def __new__(
        cls,
        rules: Sequence[Rule],
        *,
        store: str = "memory://",
        trusted_proxies: Sequence[str] | int = (),
        forwarded_header: str = "x-forwarded-for",
        ipv6_prefix: int = 64,
        headers: str | Sequence[str] = "x-ratelimit",
        clock: Clock | None = None,
    ) -> Gate: ...
    @property
    def rules(self) -> list[Rule]: ...
    @property
    def key_callables(self) -> list[tuple[int, Callable[[Any], str]]]: ...  # (index of the rule, its callable)
    def admit_asgi(
        self,
        scope: Mapping[str, Any],
        *,
        keys: Mapping[int, str] | None = None,  # rule index -> key, for rules with a callable
        address: str | None = None,  # known already: skips the resolution
        cost: int | None = None,  # instead of each rule's own
    ) -> Decision: ...
    def admit_wsgi(
        self,
        environ: Mapping[str, Any],
        *,
        keys: Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> Decision: ...
    def admit(
        self,
        *,
        keys: Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> Decision: ...  # outside any request
    def response_headers(self, decision: Decision) -> list[tuple[str, str]]: ...
    def asgi_headers(self, decision: Decision) -> list[tuple[bytes, bytes]]: ...
    def refusal(self, decision: Decision, accept: str | bytes | None = None) -> Refusal: ...
    def ignored_forwarding(self) -> str | None: ...
    # Once, after an untrusted peer first sent the forwarding header: that peer's address. Then None.

def set_default_clock(clock: Clock | None) -> None: ...  # for every limiter and gate made without a clock
def set_enabled(enabled: bool) -> None: ...  # False: every check allows and takes nothing
def canonical_limit(limit: str) -> str: ...  # raises ConfigError
