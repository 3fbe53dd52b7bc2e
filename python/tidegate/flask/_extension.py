"""The Flask extension: what users call, and what it hooks into an application."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import flask

from tidegate._detect import leads_to_environ
from tidegate._native import Gate
from tidegate.errors import ConfigError, ConfigTypeError, shorten
from tidegate.flask._ask import Question
from tidegate.flask._cli import group
from tidegate.flask._limit import Limit, refuse_unknown
from tidegate.flask._order import Order
from tidegate.flask._refusal import running_app, running_request
from tidegate.flask._settings import KNOWN, Settings
from tidegate.flask._state import State
from tidegate.flask._target import Decorator, exempt
from tidegate.flask._turn import Ends, Turn
from tidegate.wsgi import TideGateMiddleware

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tidegate.flask._options import ExtensionOptions, LimitOptions, SharedLimitOptions, Value

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

NAME = "tidegate"


class TideGate:
    """Limits for one Flask application, or for several.

    What is not given here is looked for in `app.config`, under the same name in capitals behind
    `TIDEGATE_`: `TIDEGATE_DEFAULT`, `TIDEGATE_STORE` and so on.

    Args:
        app: the application; or call `init_app` later.
        limit: the application-wide limit, one count for all that the application serves; a
            limit string, units per second, or a callable that returns a limit string.
        default: the limit of every route that has none of its own, counted for each route
            apart. Files of static folders are exempt.
        gate: a gate of your own, instead of `limit`.
        user: a callable that is given the request, and returns the id of the user who is
            signed in, or `None`; Flask-Login's user if omitted. For the key "user".
        on_breach: a callable that is given the request and the decision, and returns the
            response to a refused request, or `None` for the usual one.
        enabled: `False` limits nothing.
        options: as for `tidegate.protect_app`, and for every limit unless it says otherwise.
            `name` is what decisions call the application-wide limit, and stands in front of the
            names of the others; give it where several extensions or applications share a store.

    Raises:
        ConfigError: naming the argument or the setting that is wrong.

    Example:
        >>> from flask import Flask
        >>> from tidegate.flask import TideGate
        >>> app = Flask("shop")
        >>> gate = TideGate(app, "1000/minute", default="60/minute", key="ip")
        >>> @app.post("/login")
        ... @gate.limit("5/minute")
        ... def login() -> str:
        ...     return "welcome"
        >>> app.test_client().post("/login").headers["X-RateLimit-Remaining"]
        '4'
    """

    def __init__(
        self,
        app: flask.Flask | None = None,
        limit: Value | None = None,
        *,
        default: Value | None = None,
        gate: Gate | None = None,
        **options: Unpack[ExtensionOptions],
    ) -> None:
        refuse_unknown("an option of TideGate", options, KNOWN)
        named = {"limit": limit, "default": default, "gate": gate}
        self._given: dict[str, Any] = {
            **{name: value for name, value in named.items() if value is not None},
            **options,
        }
        self._states: WeakKeyDictionary[flask.Flask, State] = WeakKeyDictionary()
        self.filters: list[Question] = []
        self._blueprints: WeakKeyDictionary[flask.Blueprint, tuple[list[Limit], list[bool]]]
        self._blueprints = WeakKeyDictionary()
        self._scopes: dict[str, Limit] = {}
        self._names: dict[str, Limit] = {}
        self._order = Order()
        self.breach: Question | None = None
        self.version = 0
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        """Limits an application.

        Hooks run in the order of their registration: those that find out what a key wants to
        know come before this call, and all others after it.

        Raises:
            ConfigError: something is set up in a way that can never work, or a decorator
                stands above the route that it is to limit.
        """
        _refuse_what_is_no_app(app)
        if app in self._states:
            raise ConfigError(f"this TideGate limits the application {app.name!r} already")
        state = State(self, app, Settings(self._given, app.config))
        self._order.watch(app)
        self._states[app] = state
        known: list[TideGate] = app.extensions.setdefault(NAME, [])
        known.append(self)
        app.before_request(_hook(self, state))
        if len(known) == 1:
            profile = state.settings.profile
            is_kept = leads_to_environ(app)
            around = TideGateMiddleware(Ends(app.wsgi_app), None, headers=profile)
            way: Any = around.way(is_kept=is_kept)
            app.wsgi_app = way  # type: ignore[method-assign]
            app.cli.add_command(group)

    def limit(
        self,
        limit: Value | None = None,
        **options: Unpack[LimitOptions],
    ) -> Decorator:
        """Limits a view, a method of a view class, a view class, a blueprint or a function.

        Put it below the decorator that makes a route. The limit replaces `default`, and that of
        the route's blueprint; the application-wide limit stays. The count is the route's own;
        a blueprint's limit counts each of its routes apart.

        Args:
            limit: a limit string such as "5/minute", units per second, or a callable that
                returns a limit string for the request; "" or `None` where nothing limits.
            options: `methods`, a list: those that are counted, GET with HEAD. `per_method`:
                count each method apart. `exempt_when`: a callable; true lets the request pass
                uncounted. `override_defaults=False`: the limits farther out apply as well.
                `cost`: units, or a callable. `scope`: the name of a count that several
                limits share, or a callable that is given the endpoint and returns one.
                `on_breach`: as for the extension. `charge_on`: "401", "4xx" or a list of
                them: other responses give back what was taken. `deduct_when`: a callable that
                is given the response, and says whether it is charged. `requests`, `period`,
                `burst`, `algorithm` as for `tidegate.rate_limit`; `name`, and all options of
                the extension but `user` and `enabled`. Callables are given the request if they
                take an argument, and may be async.

        Raises:
            ConfigError: naming what is wrong, when decorating.
        """
        made = Limit(limit, **options)
        if isinstance(made.scope, str):
            self._check_scope(made.scope, made)
        name = options.get("name")
        if name is not None and self._names.setdefault(name, made) is not made:
            raise ConfigError(
                f"`name` {shorten(name)} is given to two limits: give them `scope` for one count"
            )
        return Decorator(self, made)

    def shared_limit(
        self,
        limit: Value,
        scope: str | Callable[[str], str],
        **options: Unpack[SharedLimitOptions],
    ) -> Decorator:
        """Limits several routes, which share one count; `scope` names it."""
        return self.limit(limit, scope=scope, **options)

    def exempt(self, target: T) -> T:
        """Frees a view, a view class or a blueprint from the limits around it.

        Those are `default`, the application-wide limit, and limits of blueprints around it. Its
        own limits stay. A blueprint is freed with all in it, nested blueprints included.
        Returns what it was given; works above and below a route.
        """
        self.version += 1
        return exempt(self, target)

    def request_filter(self, function: F) -> F:
        """Registers a callable whose true answer frees a request from every limit. Returns it."""
        self.filters.append(Question("request_filter", function))
        return function

    def on_breach(self, function: F) -> F:
        """Registers who answers refused requests, as the option `on_breach` does. Returns it."""
        self.breach = Question("on_breach", function, given=2)
        return function

    def is_free(self, request: flask.Request) -> bool:
        """Whether a filter frees the request."""
        return any(asked.ask(request) for asked in self.filters)

    def charge_call(self, limit: Limit, name: str) -> None:
        """Counts a call of a limited function, unless the hook has counted it already."""
        if not flask.has_request_context():
            return
        request = running_request()
        if limit in Turn.of(request.environ).applied:
            return
        state = self.state_of(running_app())
        if state.settings.enabled:
            state.admit_call(limit, name, request)

    def state_of(self, app: flask.Flask) -> State:
        """The limits in one application."""
        state = self._states.get(app)
        if state is None:
            raise ConfigError(
                f"the TideGate whose limit stands here does not limit the application "
                f"{app.name!r}: call init_app with it"
            )
        return state

    def note_function(self, function: object, wrapper: object, caller: FrameType | None) -> str:
        """Notes a limited function; returns a name that no other has."""
        self.version += 1
        return self._order.note(function, wrapper, caller)

    def note_blueprint(self, blueprint: flask.Blueprint, limit: Limit | None) -> None:
        """Notes a limit of a blueprint, or with `None` that it is exempt."""
        self.version += 1
        if blueprint not in self._blueprints:
            self._blueprints[blueprint] = ([], [])
            # Says so if the application that it gets into is not limited by this extension.
            blueprint.before_request(_reminder(self))
        limits, exemptions = self._blueprints[blueprint]
        if limit is None:
            exemptions.append(True)
        else:
            limits.append(limit)

    def of_blueprint(self, blueprint: Any) -> tuple[list[Limit], bool]:
        """A blueprint's limits, and whether it is exempt from those around it."""
        limits, exemptions = self._blueprints.get(blueprint, ([], []))
        return limits, bool(exemptions)

    def _check_scope(self, scope: str, limit: Limit) -> None:
        other = self._scopes.setdefault(scope, limit)
        if not other.is_same_count(limit):
            raise ConfigError(
                f"the scope {shorten(scope)} has the limit {other}, and is now to have {limit}: "
                "one count has one limit and one set of options"
            )


def _hook(extension: TideGate, state: State) -> Callable[[], None]:
    def limit_request() -> None:
        if not state.settings.enabled:
            return
        request = running_request()
        if extension.filters and extension.is_free(request):
            Turn.of(request.environ).freed_by += (extension,)
        else:
            state.admit(request)

    return limit_request


def _reminder(extension: TideGate) -> Callable[[], None]:
    def remind() -> None:
        extension.state_of(running_app())

    return remind


def _refuse_what_is_no_app(app: object) -> None:
    if isinstance(app, flask.Flask):
        return
    hint = ""
    if isinstance(app, flask.Blueprint):
        hint = ": limit a blueprint with gate.limit(...)(blueprint)"
    elif isinstance(app, (str, int)):
        hint = f": the limit comes second, TideGate(app, {app!r})"
    raise ConfigTypeError(f"TideGate needs a Flask application, got {shorten(app)}{hint}")
