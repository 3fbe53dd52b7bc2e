"""`TideGate`: limits for a Starlette or FastAPI application, by default and route by route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from starlette.applications import Starlette

from tidegate._arguments import limit_string, text
from tidegate._gate import make_gate
from tidegate._native import Gate
from tidegate.errors import ConfigError, ConfigTypeError, shorten
from tidegate.starlette._answers import BreachAnswered, respond
from tidegate.starlette._around import Around, Inside
from tidegate.starlette._file import read
from tidegate.starlette._limit import RouteLimit
from tidegate.starlette._order import checked
from tidegate.starlette._places import Places
from tidegate.starlette._routes import Found, identity, layers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

    from typing_extensions import Unpack

    from tidegate._options import Keys, Options

T = TypeVar("T")

# What describes one limit, and not the application that all of them are in.
_OF_ONE_LIMIT = frozenset(
    {
        "block",
        "block_decay",
        "charge_on",
        "cost",
        "extend_on_attempt",
        "limit_for",
        "match",
        "name",
    }
)


# What the application has once, whatever its limits.
_OF_ALL = (
    "allow",
    "clock",
    "deny",
    "enabled",
    "forwarded_header",
    "headers",
    "ipv6_prefix",
    "trusted_proxies",
)


class TideGate:
    """Limits for an application: one for all of it, a default for every route, and single ones.

    A refused request reaches no handler. Refusals by a route's limit are raised as
    `HTTPRateLimitExceeded`, so handlers of exceptions see them; the limit of the whole
    application answers by itself, before any middleware has run, unless its key needs the user.
    The header fields of the most binding limit are on every response.

    Routes are found wherever they are: in included and nested routers, in mounted applications,
    in classes; a folder of static files is one route. A CORS preflight is not counted.

    Args:
        app: the application; or `init_app` later.
        limit: for all requests together, by `key`: a limit string, or requests per second.
        default: for each route that has no limit of its own, counted per route.
        config: a configuration file, TOML or YAML, instead of `limit`; it is followed when it
            changes. The limits of routes count in its store, and believe whom it says.
        key: who is counted: nobody in particular if omitted, which is "global"; "ip" and so on as
            for `tidegate.protect_app`; or a callable that is given Starlette's request, or the
            WebSocket, and returns the key. It may be async.
        per_ip: the same as `key="ip"`.
        options: as for `tidegate.protect_app`. Like `key`, they also hold for the limits of
            routes, but for those that describe one limit, such as `cost`.

    Raises:
        ConfigError: naming the argument that is wrong.

    Example:
        >>> from starlette.applications import Starlette
        >>> from tidegate.starlette import TideGate
        >>> app = Starlette()
        >>> gate = TideGate(app, "1000/minute", default="60/minute", per_ip=True)
        >>> @gate.limit("5/minute")
        ... async def login(request): ...
        >>> app.add_route("/login", login, methods=["POST"])
    """

    def __init__(
        self,
        app: Starlette | None = None,
        limit: str | int | None = None,
        *,
        default: str | int | None = None,
        config: str | PathLike[str] | None = None,
        key: Keys | None = None,
        per_ip: bool = False,
        **options: Unpack[Options],
    ) -> None:
        self._options = _given({}, key, per_ip, options)
        self.whole: RouteLimit | None = None
        if config is not None:
            self.whole, self._options = read(config, limit, self._options)
        self._inherited = {
            name: value for name, value in self._options.items() if name not in _OF_ONE_LIMIT
        }
        # Made for nothing else, so that what is wrong with the options is said at once.
        RouteLimit("1/second", self._options)
        if config is None and limit is not None:
            self.whole = RouteLimit(limit, self._options)
        self._each = None if default is None else self._make_default(default)
        # By identity: routers have no hash. What is marked is kept, so that it stays its own.
        self._limits: dict[object, list[RouteLimit]] = {}
        self._shared: dict[str, tuple[str, RouteLimit]] = {}
        self._exempt: set[object] = set()
        self._marked: list[object] = []
        # Whether anything depends on the route.
        self.needs_routes = self._each is not None
        # Counts what is marked: a place that was found before may have other limits then.
        self.version = 0
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Starlette) -> None:
        """Puts the limits around an application, before it serves its first request.

        Raises:
            ConfigError: it is no Starlette or FastAPI application, or it has served already.
        """
        # It comes from outside, where nobody may have checked types.
        if not isinstance(app, Starlette):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigTypeError(
                "`app` must be a Starlette or FastAPI application, "
                f"got {shorten(app)} of type {type(app).__qualname__}: give the application "
                "that it belongs to, or see tidegate.protect_app"
            )
        if app.middleware_stack is not None:
            raise ConfigError(
                "the application has served requests already: call TideGate(app) or init_app "
                "where the application is made"
            )
        app.add_exception_handler(BreachAnswered, respond)
        build = app.build_middleware_stack

        def build_behind_the_gate() -> Any:
            # The innermost place: behind users' middlewares, in front of the routes.
            router, places = app.router, Places(self, app)
            app.router = cast("Any", Inside(self, places, router).serve)
            try:
                stack = build()
            finally:
                app.router = router
            return Around(self, places, checked(app, stack, self._marked)).way

        app.build_middleware_stack = build_behind_the_gate  # type: ignore[method-assign]

    def limit(
        self,
        limit: str | int,
        *,
        key: Keys | None = None,
        **options: Unpack[Options],
    ) -> Callable[[T], T]:
        """Gives a route a limit of its own, in place of the default; several all hold.

        Put it on the function or class that answers, or on a mounted application. The object
        is returned as it came, so its signature stays, and above or below the line that makes
        the route are both right.

        Args:
            limit: a limit string, or requests per second.
            key: as for the class, whose own it is if omitted.
            options: as for the class.
        """
        if callable(limit):
            raise ConfigError('.limit has no limit: write @gate.limit("100/minute")')
        given = _given(self._inherited, key, False, options)

        def mark(target: T) -> T:
            # The name tells one limit from another in a store of several machines.
            count = len(self._limits.get(identity(target), ()))
            name = _name_of(target) + (f"#{count + 1}" if count else "")
            self._mark(target, RouteLimit(limit, {"name": name, **given}))
            return target

        return mark

    def shared_limit(
        self,
        limit: str | int,
        scope: str,
        *,
        key: Keys | None = None,
        **options: Unpack[Options],
    ) -> Callable[[T], T]:
        """Gives several routes one limit together, in place of the default.

        Args:
            limit: a limit string, or requests per second.
            scope: the name of the count. Where it is used again, the limit must be the same.
            key: as for the class, whose own it is if omitted.
            options: as for the class.

        Raises:
            ConfigError: the scope is known with another limit.
        """
        name = text("scope", scope)
        canonical = limit_string(limit)
        known, shared = self._shared.get(name, (canonical, None))
        if known != canonical:
            raise ConfigError(
                f"the shared limit {name!r} is {known!r} elsewhere, and {canonical!r} here: "
                "give both the same, or other scopes"
            )
        if shared is None:
            given = {"name": name, **_given(self._inherited, key, False, options)}
            shared = RouteLimit(limit, given)
            self._shared[name] = (canonical, shared)
        chosen = shared

        def mark(target: T) -> T:
            self._mark(target, chosen)
            return target

        return mark

    def exempt(self, target: T) -> T:
        """Frees a route or a mounted application from all limits of this object.

        Raises:
            ConfigError: it has a limit of its own, or is a router of FastAPI's.
        """
        _refuse_router(target)
        if identity(target) in self._limits:
            raise ConfigError(f"{_name_of(target)!r} has a limit and is exempt: choose one")
        self._exempt.add(identity(target))
        self._marked.append(target)
        self._note_change()
        return target

    @property
    def needs_routes_outside(self) -> bool:
        """Whether the application's own limit depends on the route."""
        return self.whole is not None and (bool(self._exempt) or "route" in self.whole.needs)

    def is_exempt(self, found: Found | None) -> bool:
        """Whether the application's own limit leaves a route alone."""
        if found is None or not self._exempt:
            return False
        return any(
            identity(layer) in self._exempt for part in found.parts for layer in layers(part)
        )

    def has_limit(self, found: Found) -> bool:
        """Whether a route has a limit of its own, or the default."""
        return self._each is not None or bool(self._own_limits(found))

    def limits_of(self, found: Found | None) -> list[RouteLimit]:
        """The limits of a route: its own, or those of what it is in, or the default."""
        if found is None or self.is_exempt(found):
            return []
        own = self._own_limits(found)
        if own:
            return own
        return [] if self._each is None else [self._each]

    def is_default(self, limits: list[RouteLimit]) -> bool:
        """Whether these are not a route's own, but the default."""
        return limits == [self._each]

    def gate_around(self) -> Gate:
        """A gate that limits nothing, for the lists, the trust and the header fields."""
        given = {name: self._options[name] for name in _OF_ALL if name in self._options}
        return make_gate(None, **given)

    def _make_default(self, limit: str | int) -> RouteLimit:
        given = dict(self._options)
        key: Any = "ip" if given.pop("per_ip", False) else given.get("key")
        keys: list[Any] = ["route"]
        if key is not None and key != "global":
            keys += key if isinstance(key, (list, tuple)) else [key]
        return RouteLimit(limit, {"name": "route", **given, "key": keys})

    def _note_change(self) -> None:
        self.version += 1
        self.needs_routes = True

    def _own_limits(self, found: Found) -> list[RouteLimit]:
        if not self._limits:
            return []
        layered = (layer for part in found.parts for layer in layers(part))
        limits = (limit for layer in layered for limit in self._limits.get(identity(layer), ()))
        return list(dict.fromkeys(limits))

    def _mark(self, target: object, limit: RouteLimit) -> None:
        _refuse_router(target)
        if not callable(target) and not hasattr(target, "routes"):
            raise ConfigTypeError(
                "a limit needs a function or class that answers, or an application, "
                f"got {shorten(target)}"
            )
        if identity(target) in self._exempt:
            raise ConfigError(f"{_name_of(target)!r} is exempt and has a limit: choose one")
        self._limits.setdefault(identity(target), []).append(limit)
        self._marked.append(target)
        self._note_change()


def _given(
    inherited: dict[str, Any],
    key: Keys | None,
    per_ip: bool,
    options: Options,
) -> dict[str, Any]:
    given = {**inherited, **cast("dict[str, Any]", options)}
    if key is not None:
        given.pop("per_ip", None)
        given["key"] = key
    if per_ip:
        given["per_ip"] = per_ip
    return given


def _refuse_router(target: object) -> None:
    """Raises for a FastAPI router: older versions copy its routes, and forget where from."""
    if hasattr(target, "include_router") and not isinstance(target, Starlette):
        raise ConfigTypeError(
            "a router of FastAPI's cannot be marked: mark its functions, or limit it by "
            "dependencies=[Depends(RateLimit(...))]"
        )


def _name_of(target: object) -> str:
    """The module and name of a function, or the class of an application, cut to a rule's name."""
    of: Any = target if hasattr(target, "__qualname__") else type(target)
    return f"{of.__module__}.{of.__qualname__}".encode()[-120:].decode(errors="ignore")
