"""The compiled part of tidegate. Times are seconds unless a name says otherwise."""

import collections.abc
import datetime
import typing
from typing import Any, final

import typing_extensions
from typing_extensions import disjoint_base

__all__ = [
    "AsgiPassage",
    "Clock",
    "Decision",
    "Gate",
    "Limiter",
    "Refusal",
    "Rule",
    "WsgiPassage",
    "_quicken",
    "_restore_decision",
    "canonical_limit",
    "set_default_clock",
    "set_enabled",
]

@final
class AsgiPassage:
    """The `send` of an admitted request. Truthy when the request may go ahead at once."""
    def __bool__(self, /) -> bool: ...
    def __call__(
        self, /, message: collections.abc.MutableMapping[str, typing.Any]
    ) -> collections.abc.Awaitable[None]:
        """Passes a message on to the server, the start of a response with our fields."""
    @property
    def decision(self, /) -> Decision:
        """What the gate decided."""
    @property
    def has_begun(self, /) -> bool:
        """True once the application has sent something."""

@disjoint_base
class Clock:
    """A clock that stands still until it is told to move."""
    def __new__(cls, /, *, unix: float = ...) -> typing_extensions.Self:
        """A clock at zero, which is `unix` seconds after 1970."""
    def advance(self, /, seconds: float | datetime.timedelta) -> None:
        """Moves the clock forward by `seconds`, or by a `timedelta`."""
    def advance_ns(self, /, nanoseconds: int) -> None:
        """Moves the clock forward by whole nanoseconds."""
    @property
    def now_ns(self, /) -> int:
        """Nanoseconds since the clock was made."""
    @property
    def unix(self, /) -> float:
        """Seconds since 1970."""

@final
class Decision:
    """The answer to one request. Truthy when the request may go ahead."""
    def __bool__(self, /) -> bool: ...
    def __reduce__(
        self, /
    ) -> tuple[
        Any,
        tuple[
            tuple[
                list[tuple[str, str]],
                list[tuple[int, int, int, int, int, int, int]],
                bytes | None,
                tuple[str, int, int] | None,
                str | None,
                str,
            ]
        ],
    ]: ...
    def __repr__(self, /) -> str: ...
    @property
    def address(self, /) -> str | None:
        """The client's address, when a gate found it out."""
    @property
    def address_source(self, /) -> str | None:
        """How the address was found: "peer"; "forwarded", by trusted proxies; or "interrupted",
        the last good address before an element that makes no sense.
        """
    @property
    def allowed(self, /) -> bool:
        """True when the request may go ahead."""
    @property
    def charged_at_ns(self, /) -> int:
        """The time by the limiter's clock, in nanoseconds, for which the cost was taken: what
        `settle` wants to know.
        """
    @property
    def degraded(self, /) -> bool:
        """True when the store gave no answer, and `on_store_error` said what to do then."""
    @property
    def delay(self, /) -> float:
        """Seconds to wait before going ahead: 0.0, except for a leaky bucket with a queue."""
    def headers(self, /, profile: str | collections.abc.Sequence[str] = ...) -> dict[str, str]:
        """The response header fields of this decision, by name.

        `profile` is "x-ratelimit", "draft", "legacy" or "none", or several of them.
        """
    @property
    def id(self, /) -> str:
        """A name for this decision, for logs: 16 hexadecimal digits, unlike those of others."""
    @property
    def key(self, /) -> str | None:
        """Whom the binding limit counted; `None` when it counts everybody together."""
    @property
    def limit(self, /) -> int:
        """Units that a rested key can spend at once, under the binding limit."""
    @property
    def reason(self, /) -> str | None:
        """Why the request was refused: "limit", "never" …; `None` when it was not."""
    def refused_for(self, /, retry_after: float) -> Decision:
        """The same decision, turned into a no that would be a yes `retry_after` seconds later."""
    @property
    def remaining(self, /) -> int:
        """Units that could be spent at once now; at most `limit`."""
    @property
    def reset_after(self, /) -> float:
        """Seconds until the key is as if it had never been seen."""
    @property
    def retry_after(self, /) -> float:
        """Seconds after which the same request would be allowed if nobody else spends
        meanwhile: 0.0 when it is allowed, infinity when it never will be.
        """
    @property
    def retry_after_ns(self, /) -> int | None:
        """`retry_after` in whole nanoseconds; `None` when the request will never be allowed."""
    @property
    def rule(self, /) -> str:
        """Name of the rule whose limit is binding."""

@final
class Gate:
    """What every request passes: who is calling, then the rules, all or nothing."""
    def __new__(
        cls,
        /,
        rules: collections.abc.Sequence[Rule],
        *,
        store: str = "memory://",
        trusted_proxies: collections.abc.Iterable[str] | int | None = None,
        forwarded_header: str = "x-forwarded-for",
        ipv6_prefix: int = 64,
        headers: str | collections.abc.Sequence[str] = ...,
        clock: Clock | None = None,
    ) -> Gate:
        """Raises `ConfigError` when the rules, the store or the trust make no sense."""
    def __repr__(self, /) -> str: ...
    def aadmit(
        self,
        /,
        *,
        keys: collections.abc.Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> collections.abc.Awaitable[Decision]:
        """Decides as `admit`, to be awaited."""
    def aadmit_asgi(
        self,
        /,
        scope: collections.abc.Mapping[str, typing.Any],
        *,
        receive: collections.abc.Callable[[], typing.Any] | None = None,
        keys: collections.abc.Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> collections.abc.Awaitable[Decision]:
        """Decides as `admit_asgi`, to be awaited. A store in this process answers without suspending."""
    def aadmit_wsgi(
        self,
        /,
        environ: collections.abc.Mapping[str, typing.Any],
        *,
        keys: collections.abc.Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> collections.abc.Awaitable[Decision]:
        """Decides as `admit_wsgi`, to be awaited."""
    def address_asgi(
        self,
        /,
        scope: collections.abc.Mapping[str, typing.Any],
        *,
        receive: collections.abc.Callable[[], typing.Any] | None = None,
    ) -> str:
        """The client's address by this gate's trust, from an ASGI connection scope."""
    def address_wsgi(self, /, environ: collections.abc.Mapping[str, typing.Any]) -> str:
        """The client's address by this gate's trust, from a WSGI environment."""
    def admit(
        self,
        /,
        *,
        keys: collections.abc.Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> Decision:
        """Decides a call outside any request, and takes its cost if allowed."""
    def admit_asgi(
        self,
        /,
        scope: collections.abc.Mapping[str, typing.Any],
        *,
        receive: collections.abc.Callable[[], typing.Any] | None = None,
        keys: collections.abc.Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> Decision:
        """Decides the request of an ASGI connection scope, and takes its cost if allowed.

        `receive` is asked for the other end of the socket when the server has put another
        address in the scope.
        """
    def admit_wsgi(
        self,
        /,
        environ: collections.abc.Mapping[str, typing.Any],
        *,
        keys: collections.abc.Mapping[int, str] | None = None,
        address: str | None = None,
        cost: int | None = None,
    ) -> Decision:
        """Decides the request of a WSGI environment, and takes its cost if allowed."""
    def begin_asgi(self, /, scope: collections.abc.MutableMapping[str, typing.Any]) -> bool:
        """Begins what `enter_asgi` does, for a middleware that awaits the decision: true when the
        request is counted, and is here for the first time.
        """
    def close(self, /) -> None:
        """Gives back what was paid for in advance, and closes connections. A later request opens
        what it needs again.
        """
    def counts_asgi(self, /, scope: collections.abc.Mapping[str, typing.Any]) -> bool:
        """True when `enter_asgi` would decide this connection."""
    def counts_wsgi(self, /, environ: collections.abc.Mapping[str, typing.Any]) -> bool:
        """True when `enter_wsgi` would decide this request."""
    def enter_asgi(
        self,
        scope: collections.abc.MutableMapping[str, typing.Any],
        receive: collections.abc.Callable[[], typing.Any],
        send: collections.abc.Callable[[typing.Any], collections.abc.Awaitable[None]],
        keys: collections.abc.Mapping[int, str] | None = None,
        /,
    ) -> AsgiPassage | None:
        """Lets the request of an ASGI connection scope in, for a middleware: decides it, and puts
        the decision in the scope. `None` for what is not counted: a connection that is no
        request, a CORS preflight, and a request that has been here before.
        """
    def enter_wsgi(
        self,
        environ: collections.abc.MutableMapping[str, typing.Any],
        start_response: collections.abc.Callable[..., typing.Any],
        keys: collections.abc.Mapping[int, str] | None = None,
        /,
    ) -> WsgiPassage | None:
        """Lets the request of a WSGI environment in, as `enter_asgi` does."""
    @property
    def key_callables(self, /) -> list[tuple[int, Any]]:
        """The rules with a callable for a key: the rule's position, and its callable."""
    def passage_asgi(
        self,
        scope: collections.abc.MutableMapping[str, typing.Any],
        send: collections.abc.Callable[[typing.Any], collections.abc.Awaitable[None]],
        decision: Decision,
        /,
    ) -> AsgiPassage:
        """Ends what `begin_asgi` began."""
    def refusal(self, /, decision: Decision, accept: str | bytes | None = None) -> Refusal:
        """The response to a request that may not go ahead. `accept` is its Accept header field."""
    def refusal_asgi(
        self, /, scope: collections.abc.Mapping[str, typing.Any], decision: Decision
    ) -> list[dict[str, typing.Any]]:
        """The messages that refuse the connection of `scope`."""
    def refusal_wsgi(
        self, /, environ: collections.abc.Mapping[str, typing.Any], decision: Decision
    ) -> tuple[str, list[tuple[str, str]], list[bytes]]:
        """The status line, the header fields and the body that refuse the request of `environ`."""
    @property
    def rules(self, /) -> list[Rule]:
        """The rules, in order."""
    def store_stats(self, /) -> dict[str, str | int]:
        """What happened with the store in this process: its name, and for one in a server its
        health and counts.
        """
    @property
    def waits(self, /) -> bool:
        """Whether a decision may have to wait for a server."""

@disjoint_base
class Limiter:
    """Limits, and the store that counts. Safe to share between threads and tasks."""
    def __new__(
        cls,
        /,
        limit: str,
        *,
        name: str = "default",
        store: str = "memory://",
        on_store_error: str = "local",
        lease: float | datetime.timedelta | None = None,
        clock: Clock | None = None,
    ) -> typing_extensions.Self:
        """Raises `ConfigError` when the limit or the store makes no sense."""
    def __repr__(self, /) -> str: ...
    def aallow(self, /, key: str, *, cost: int = ...) -> collections.abc.Awaitable[bool]:
        """`allow`, to be awaited."""
    def aallow_many(
        self, /, keys: collections.abc.Iterable[str], *, cost: int = ...
    ) -> collections.abc.Awaitable[list[bool]]:
        """`allow_many`, to be awaited."""
    def acheck(self, /, key: str, *, cost: int = ...) -> collections.abc.Awaitable[Decision]:
        """`check`, to be awaited. A store in this process answers without suspending."""
    def acheck_many(
        self, /, keys: collections.abc.Iterable[str], *, cost: int = ...
    ) -> collections.abc.Awaitable[list[Decision]]:
        """`check_many`, to be awaited."""
    def adebit(self, /, key: str, *, cost: int = ...) -> collections.abc.Awaitable[None]:
        """`debit`, to be awaited."""
    def allow(self, /, key: str, *, cost: int = ...) -> bool:
        """Like `check`, but tells only whether the request may go ahead."""
    def allow_many(self, /, keys: collections.abc.Iterable[str], *, cost: int = ...) -> list[bool]:
        """Like `check_many`, but tells only whether each request may go ahead."""
    def apeek(self, /, key: str, *, cost: int = ...) -> collections.abc.Awaitable[Decision]:
        """`peek`, to be awaited."""
    def arefund(self, /, key: str, *, cost: int = ...) -> collections.abc.Awaitable[None]:
        """`refund`, to be awaited."""
    def areset(self, /, key: str) -> collections.abc.Awaitable[None]:
        """`reset`, to be awaited."""
    def check(self, /, key: str, *, cost: int = ...) -> Decision:
        """Decides one request of `key` that costs `cost` units, and takes them if it is allowed.

        A cost above what the limit ever lets pass at once is refused with the reason
        "never". Raises `ConfigError` for a key or cost that makes no sense.
        """
    def check_many(
        self, /, keys: collections.abc.Iterable[str], *, cost: int = ...
    ) -> list[Decision]:
        """Decides one request of each key, one after the other, as `check` for each would: a list
        with one decision for each key. Faster than so many calls.

        Nothing is taken when any key makes no sense.
        """
    def close(self, /) -> None:
        """Gives back what was paid for in advance, and closes connections. A later check opens
        what it needs again.
        """
    def debit(self, /, key: str, *, cost: int = ...) -> None:
        """Takes `cost` units from `key` whether or not they are there: a penalty."""
    @property
    def limit(self, /) -> str:
        """The limits, in canonical spelling."""
    @property
    def name(self, /) -> str:
        """The rule's name, which tells its counts from those of others in the same store."""
    def now_ns(self, /) -> int:
        """Nanoseconds by this limiter's clock."""
    def peek(self, /, key: str, *, cost: int = ...) -> Decision:
        """Answers as `check` would, and takes nothing."""
    def refund(self, /, key: str, *, cost: int = ...) -> None:
        """Gives `cost` units back to `key`, at most until it is full."""
    def reset(self, /, key: str) -> None:
        """Forgets `key`: it starts again with full quota."""
    def settle(self, /, key: str, *, reserved: int, actual: int, charged_at_ns: int) -> None:
        """Replaces `reserved` units, taken for the time `decision.charged_at_ns`, by the `actual`
        cost.
        """
    def store_stats(self, /) -> dict[str, str | int]:
        """What happened with the store in this process: its name, and for one in a server its
        health and counts.
        """
    @property
    def waits(self, /) -> bool:
        """Whether a decision may have to wait for a server."""

@final
class Refusal:
    """The response to a request that may not go ahead."""
    @property
    def body(self, /) -> bytes:
        """What to say, in the form that the client asked for."""
    @property
    def headers(self, /) -> list[tuple[str, str]]:
        """Content type and length, Retry-After, and the fields of the gate's profile."""
    @property
    def status(self, /) -> int:
        """The HTTP status: 429 for a limit."""

@final
class Rule:
    """A named limit, or several, and whom they count.

    `key` is "global", "ip", "path", "method" or "header:NAME", or a callable that is given
    the framework's request and returns the key. `on_store_error` is "open", "closed" or "local":
    what becomes of a request when the store gives no answer. `lease` is for how many seconds units
    may be taken from the store in advance.
    """
    def __new__(
        cls,
        /,
        name: str,
        limit: str,
        *,
        key: str | collections.abc.Callable[[typing.Any], typing.Any] | None = None,
        cost: int = ...,
        on_store_error: str = "local",
        lease: float | datetime.timedelta | None = None,
    ) -> Rule:
        """Raises `ConfigError` when the name, the limit, the key or the cost makes no sense."""
    def __repr__(self, /) -> str: ...
    @property
    def cost(self, /) -> int:
        """Units that a request costs."""
    @property
    def key(self, /) -> Any:
        """Whom the rule counts."""
    @property
    def limit(self, /) -> str:
        """The rule's limits, in canonical spelling."""
    @property
    def name(self, /) -> str:
        """The rule's name."""

@final
class WsgiPassage:
    """The `start_response` of an admitted request. Truthy when it may go ahead at once."""
    def __bool__(self, /) -> bool: ...
    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: typing.Any = None, /
    ) -> collections.abc.Callable[[bytes], object]:
        """Begins the response, with our fields behind the application's."""
    @property
    def decision(self, /) -> Decision:
        """What the gate decided."""

def _quicken(subclass: type[Limiter]) -> None:
    """Puts quicker methods in front of four of `Limiter`, on a `subclass` of it:
    the interpreter finds out sooner that an instance of just that class is meant. For the
    package itself, which calls it once, when it is imported.
    """

def _restore_decision(state: typing.Any) -> Decision:
    """Puts a decision together again. For `pickle` only."""

def canonical_limit(limit: str) -> str:
    """The canonical spelling of a limit string. Raises `ConfigError` when it makes no sense."""

def set_default_clock(clock: Clock | None) -> None:
    """Puts `clock` in the place of the machine's, for every limiter and gate made without a
    clock of its own; `None` puts the machine's back.
    """

def set_enabled(enabled: bool) -> None:
    """Turns all limits of this process on, or off: off, every check allows and takes nothing."""
