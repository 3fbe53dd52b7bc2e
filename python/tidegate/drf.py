"""Throttles for Django REST framework, under the names and with the hooks of its own.

Replace `rest_framework.throttling` by `tidegate.drf` where throttles are named or imported; the
settings `DEFAULT_THROTTLE_CLASSES` and `DEFAULT_THROTTLE_RATES` and the views stay as they are.
What is different: a request is decided in one atomic step, so no race lets more through; a rate
is any limit string, such as "5/10m; 100/day"; the client's address is that of the peer unless
`NUM_PROXIES` or TIDEGATE's `trusted_proxies` says whom to believe; counts are in the store that
settings.TIDEGATE names, not in a cache; and a request that one throttle of a view refuses is
charged to none of them. There is no `history` and no `cache`: hooks that use them do not work.

Imports Django and REST framework 3.15 or later.
"""

from __future__ import annotations

import math
import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework import throttling
from rest_framework.settings import api_settings

from tidegate._arguments import limit_string
from tidegate._keys import checked_key, name_of, rule_name
from tidegate._limiter import Limiter
from tidegate._native import Decision, canonical_limit
from tidegate.django import _urls
from tidegate.django._counts import makers
from tidegate.django._request import http_request, made
from tidegate.django._state import State, current_state
from tidegate.django._turn import Turn
from tidegate.errors import ConfigError, shorten

__all__ = [
    "AnonRateThrottle",
    "BaseThrottle",
    "ScopedRateThrottle",
    "SimpleRateThrottle",
    "UserRateThrottle",
]

# The first limit in canonical spelling.
_LIMIT = re.compile(r"(\d+)/(\d*\.?\d*)([a-z]+)")
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "second": 1,
    "s": 1,
    "minute": 60,
    "m": 60,
    "hour": 3600,
    "h": 3600,
    "day": 86_400,
    "d": 86_400,
    "week": 604_800,
    "w": 604_800,
}
_CHARGES = "_tidegate_charges"


class _Rates:
    """The setting of rates as it is now, not as it was when the class was made."""

    def __get__(self, instance: object, owner: object) -> Any:
        return api_settings.DEFAULT_THROTTLE_RATES


class _Charges:
    """What the throttles of one view have taken for one request."""

    def __init__(self) -> None:
        self.taken: list[tuple[Limiter, str, Decision, int]] = []
        self.asked: set[tuple[Limiter, str]] = set()
        self.is_refused = False

    @classmethod
    def of(cls, view: object, limiter: Limiter, key: str) -> _Charges:
        """The charges of the request that a view serves."""
        charges: _Charges | None = getattr(view, _CHARGES, None)
        # Whoever asks the same again asks about another request.
        if charges is None or (limiter, key) in charges.asked:
            charges = cls()
            if hasattr(view, "__dict__"):
                setattr(view, _CHARGES, charges)
        charges.asked.add((limiter, key))
        return charges

    def decide(self, limiter: Limiter, key: str, cost: int) -> Decision:
        """Charges one throttle, or none of them when it refuses."""
        if self.is_refused:
            # Nothing is taken any more; how long to wait is still of interest.
            return limiter.peek(key, cost=cost)
        decision = limiter.check(key, cost=cost)
        if decision:
            self.taken.append((limiter, key, decision, cost))
            return decision
        self.is_refused = True
        for other, other_key, taken, paid in self.taken:
            other.settle(other_key, reserved=paid, actual=0, charged_at_ns=taken.charged_at_ns)
        self.taken.clear()
        return decision


class BaseThrottle(throttling.BaseThrottle):
    """A throttle of your own, with the client's address by tidegate's trust."""

    def get_ident(self, request: Any) -> str:
        """The client's address; IPv6 by its network.

        `NUM_PROXIES` proxies are believed if it is set, else those that settings.TIDEGATE
        trusts, else nobody: then it is the peer's.
        """
        state = current_state()
        hops = api_settings.NUM_PROXIES
        gate = state.plain.gate if hops is None else state.behind(hops)
        found = http_request(request)
        if found is None:
            raise ConfigError(f"a throttle needs a request, got {shorten(request)}")
        return made(found, found).subject(gate, 0, {}, None)


class SimpleRateThrottle(BaseThrottle):
    """A throttle of your own, which says in `get_cache_key` whom to count.

    Attributes:
        scope: its name in `DEFAULT_THROTTLE_RATES`.
        rate: a limit string, instead of one from there; `None` limits nothing.
        cost: units that a request costs.
        cache_format: how a key is made of scope and identity.
        THROTTLE_RATES: rates by scope; `DEFAULT_THROTTLE_RATES`, as it is at each request.
        decision: the answer to the last request.
    """

    scope: str | None = None
    rate: str | None = None
    cost = 1
    cache_format = "throttle_%(scope)s_%(ident)s"
    THROTTLE_RATES: Any = _Rates()
    decision: Decision | None = None
    key: str | None = None

    def __init__(self) -> None:
        if not getattr(self, "rate", None):
            self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        """Whom to count; `None` lets the request pass. Must be overridden."""
        raise NotImplementedError(".get_cache_key() must be overridden")

    def get_rate(self) -> str | None:
        """The limit string for `scope`."""
        if not self.scope:
            raise ImproperlyConfigured(
                f"{name_of(type(self))} needs a `scope` or a `rate`: set one of the two"
            )
        try:
            rate: str | None = self.THROTTLE_RATES[self.scope]
        except KeyError:
            raise ImproperlyConfigured(
                f"DEFAULT_THROTTLE_RATES has no rate for the scope {self.scope!r} of "
                f"{name_of(type(self))}"
            ) from None
        return rate

    def parse_rate(self, rate: str | None) -> tuple[int | None, float | None]:
        """Returns requests and seconds of a rate, of the first one if there are several.

        An override decides: what it returns is then the limit.
        """
        if rate is None:
            return None, None
        found = _LIMIT.search(canonical_limit(rate))
        if found is None:
            return None, None
        return int(found[1]), float(found[2] or 1) * _SECONDS.get(found[3], math.nan)

    def allow_request(self, request: Any, view: Any) -> bool:
        """Decides a request, and charges it if it may go ahead."""
        state = current_state()
        limit = self.limit_string()
        if limit is None or not state.settings.enabled:
            return True
        self.key = self.get_cache_key(request, view)
        if self.key is None:
            return True
        key = checked_key(self.key, self.get_cache_key)
        limiter = self.limiter(state, limit)
        self.decision = _Charges.of(view, limiter, key).decide(limiter, key, self.cost)
        self._tell(request, view, self.decision, state.headers)
        return self.throttle_success() if self.decision else self.throttle_failure()

    def throttle_success(self) -> bool:
        """Called when the request may go ahead."""
        return True

    def throttle_failure(self) -> bool:
        """Called when it may not."""
        return False

    def wait(self) -> float | None:
        """Seconds until the request would be allowed, or `None` if it never will be."""
        if self.decision is None or math.isinf(self.decision.retry_after):
            return None
        return self.decision.retry_after

    def limit_string(self) -> str | None:
        """The limit that `rate` means; `None` if it limits nothing."""
        if type(self).parse_rate is SimpleRateThrottle.parse_rate:
            return self.rate
        requests, period = self.parse_rate(self.rate)
        if requests is None or period is None:
            return None
        return limit_string(requests=requests, period=period)

    def limiter(self, state: State, limit: str) -> Limiter:
        """Who counts."""
        scope = self.scope or f"{type(self).__module__}.{name_of(type(self))}"
        # A rate of the class's own is another count than the scope's.
        name = f"{scope} {limit}" if getattr(type(self), "rate", None) else scope
        return state.limiter(rule_name(name), limit)

    def _tell(self, request: Any, view: Any, decision: Decision, headers: Any) -> None:
        found = http_request(request)
        if found is None:
            return
        turn = Turn.of(found)
        turn.note(found, decision)
        fields: Any = getattr(view, "headers", None)
        if fields is not None:
            # REST framework puts these on whatever the view answers, Retry-After on its own.
            turn.write_fields(fields, headers)


class AnonRateThrottle(SimpleRateThrottle):
    """Limits requests of whoever is not signed in, by address."""

    scope: str | None = "anon"

    def get_cache_key(self, request: Any, view: Any) -> str | None:  # noqa: ARG002 - it is a hook
        """The client's address, or `None` for a user who is signed in."""
        if request.user and request.user.is_authenticated:
            return None
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class UserRateThrottle(SimpleRateThrottle):
    """Limits requests by user; of whoever is not signed in, by address."""

    scope: str | None = "user"

    def get_cache_key(self, request: Any, view: Any) -> str | None:  # noqa: ARG002 - it is a hook
        """The user's primary key, or the client's address."""
        if request.user and request.user.is_authenticated:
            ident = str(request.user.pk)
        else:
            ident = self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}


class ScopedRateThrottle(UserRateThrottle):
    """Limits a part of an API by the view's attribute `throttle_scope`, by user or address."""

    scope: str | None = None
    scope_attr = "throttle_scope"

    def __init__(self) -> None:
        # What the rate is depends on the view, which is known only when a request comes.
        self.num_requests, self.duration = None, None

    def allow_request(self, request: Any, view: Any) -> bool:
        """Decides a request if its view has a scope."""
        return super().allow_request(request, view) if self.take_scope(view) else True

    def take_scope(self, view: Any) -> bool:
        """Takes the scope of a view, and its rate; false if it has none."""
        self.scope = getattr(view, self.scope_attr, None)
        if not self.scope:
            return False
        self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return True


def _make_limiters(state: State) -> None:
    """Makes the limiters of all views, for the admin page."""
    for route in _urls.routes():
        view = getattr(route.view, "cls", None)
        for kind in getattr(view, "throttle_classes", ()):
            if not issubclass(kind, SimpleRateThrottle):
                continue
            throttle = kind()
            if isinstance(throttle, ScopedRateThrottle) and not throttle.take_scope(view):
                continue
            limit = throttle.limit_string()
            if limit is not None:
                throttle.limiter(state, limit)


makers.append(_make_limiters)
