"""Whom a limit counts, as Django's users write it, and the facts that Django knows best.

The names are those of `tidegate.Rule`, and those that users of django-ratelimit know: "user_or_ip"
is "user", which means the address of whoever is not signed in; "get:NAME" is "query:NAME",
"post:NAME" is "form:NAME"; a dotted path names a callable.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.module_loading import import_string

from tidegate.errors import ConfigError, shorten

_ALIASES = {"user_or_ip": "user"}
_PREFIXES = {"get:": "query:", "post:": "form:"}
# The options that may be the dotted path of a callable.
_CALLABLES = ("exempt_when", "limit_for", "on_breach")


def native_options(options: dict[str, Any]) -> dict[str, Any]:
    """Options as `make_gate` takes them: keys by their names there, callables imported.

    Raises:
        ConfigError: a dotted path that leads nowhere.
    """
    found = {**options, "key": native_key(options.get("key"))}
    for name in _CALLABLES:
        if found.get(name) is not None:
            found[name] = imported(name, found[name])
    return found


def native_key(key: Any) -> Any:
    """A key as `tidegate.Rule` takes it.

    Raises:
        ConfigError: a dotted path that leads nowhere.
    """
    if isinstance(key, (list, tuple)):
        return [native_key(part) for part in cast("list[Any]", key)]
    if not isinstance(key, str):
        return key
    key = _ALIASES.get(key, key)
    for known, meant in _PREFIXES.items():
        if key.startswith(known):
            return meant + key[len(known) :]
    if "." in key and ":" not in key:
        return imported("key", key)
    return key


def imported(name: str, value: object) -> Callable[..., Any]:
    """The callable that a setting gives, itself or by its dotted path."""
    if isinstance(value, str):
        path = value
        try:
            value = import_string(path)
        except ImportError as error:
            raise ConfigError(f"`{name}` {shorten(path)} cannot be imported: {error}") from error
    if not callable(value):
        raise ConfigError(
            f"`{name}` must be a callable or the dotted path of one, got {shorten(value)}"
        )
    return value


def needs_user(key: object) -> bool:
    """True for a key, as `native_key` returns it, that asks who is signed in."""
    parts: list[Any] = cast("Any", key) if isinstance(key, (list, tuple)) else [key]
    return "user" in parts


def supply(needs: frozenset[str], request: HttpRequest) -> None:
    """Puts the facts that rules ask for where the gate finds them."""
    if "user" in needs:
        with suppress(SynchronousOnlyOperation):  # on an event loop, where `asupply` asks
            _put(request, "tidegate.user", user_of(request))
    _supply_rest(needs, request)


async def asupply(needs: frozenset[str], request: HttpRequest) -> None:
    """Does as `supply`, without asking the database on the event loop."""
    if "user" in needs:
        _put(request, "tidegate.user", await auser_of(request))
    _supply_rest(needs, request)


def user_of(request: HttpRequest) -> str | None:
    """The id of the user who is signed in."""
    user = getattr(request, "user", None)
    return str(user.pk) if user is not None and user.is_authenticated else None


async def auser_of(request: HttpRequest) -> str | None:
    """The id of the user who is signed in; the session's store may have to be asked."""
    ask = getattr(request, "auser", None)
    if ask is None:
        return await sync_to_async(user_of)(request)
    user = await ask()
    return str(user.pk) if user.is_authenticated else None


def route_of(request: HttpRequest) -> str | None:
    """The route that serves the request, such as "/items/<int:id>/"; `None` if none does."""
    match = request.resolver_match
    return None if match is None else f"/{match.route}"


def scope_of(request: HttpRequest) -> MutableMapping[str, Any] | None:
    """The ASGI scope of a request; `None` under WSGI, where `request.META` is the environ."""
    scope: MutableMapping[str, Any] | None = getattr(request, "scope", None)
    return scope


def _supply_rest(needs: frozenset[str], request: HttpRequest) -> None:
    if "route" in needs:
        _put(request, "tidegate.route", route_of(request))
    if "form" in needs:
        _put(request, "tidegate.form", request.POST)


def _put(request: HttpRequest, name: str, value: object) -> None:
    scope = scope_of(request)
    facts = request.META if scope is None else scope
    facts[name] = value
