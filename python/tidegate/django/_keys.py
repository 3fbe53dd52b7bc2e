"""Whom a limit counts, as Django's users write it, and the facts that Django knows best.

The names are those of `tidegate.Rule`, and those that users of django-ratelimit know: "user_or_ip"
is "user", which means the address of whoever is not signed in; "get:NAME" is "query:NAME",
"post:NAME" is "form:NAME"; a dotted path names a callable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from ipaddress import ip_address, ip_network
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.module_loading import import_string

from tidegate._keys import checked_key, is_async, name_of
from tidegate._native import Gate, Rule
from tidegate.django._request import receive_of, scope_of
from tidegate.errors import ConfigError, shorten

_ALIASES = {"user_or_ip": "user"}
_PREFIXES = {"get:": "query:", "post:": "form:"}


def _is_known(key: str) -> bool:
    try:
        Rule("key", "1/second", key=key)
    except ConfigError:
        return False
    return True


def _user(request: HttpRequest) -> str:
    """Stands for the key "user" where the compiled module does not know it."""
    raise NotImplementedError


_KNOWS_USERS = _is_known("user")


def native_key(key: Any) -> Any:
    """A user's key as the compiled module takes it.

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
    if key == "user" and not _KNOWS_USERS:
        return _user
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
    return any(part == "user" or part is _user for part in parts)


def answers(gate: Gate, request: HttpRequest, given: Any) -> dict[int, str]:
    """Asks the gate's key callables; `given` is the request as the view has it."""
    found: dict[int, str] = {}
    for number, function in gate.key_callables:
        if function is _user:
            found[number] = _user_or_address(gate, request, user_of(request))
            continue
        if is_async(function) or iscoroutinefunction(function):
            raise ConfigError(
                f"the key callable {name_of(function)} is async, and this request is served "
                "without an event loop: make it an ordinary function"
            )
        found[number] = checked_key(function(given), function)
    return found


async def aanswers(gate: Gate, request: HttpRequest, given: Any) -> dict[int, str]:
    """Asks as `answers` does, and awaits what is async."""
    found: dict[int, str] = {}
    for number, function in gate.key_callables:
        if function is _user:
            found[number] = _user_or_address(gate, request, await auser_of(request))
            continue
        try:
            answer = function(given)
        except SynchronousOnlyOperation:
            # It asks the database, which Django allows in a thread.
            answer = await sync_to_async(function)(given)
        if hasattr(answer, "__await__"):
            answer = await answer
        found[number] = checked_key(answer, function)
    return found


def supply(needs: frozenset[str], request: HttpRequest) -> None:
    """Puts the facts that rules ask for where the gate finds them."""
    if "user" in needs:
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


def _supply_rest(needs: frozenset[str], request: HttpRequest) -> None:
    if "route" in needs:
        _put(request, "tidegate.route", route_of(request))
    if "form" in needs:
        _put(request, "tidegate.form", request.POST)


def _put(request: HttpRequest, name: str, value: object) -> None:
    scope: Any = scope_of(request)
    facts: MutableMapping[str, Any] = request.META if scope is None else scope
    facts[name] = value


def _user_or_address(gate: Gate, request: HttpRequest, user: str | None) -> str:
    if user is not None:
        return checked_key(f"user:{user}", user_of)
    # Without an address, as on a Unix socket, all who are not signed in count together.
    return f"ip:{network_of(address_of(gate, request))}"


def address_of(gate: Gate, request: HttpRequest) -> str:
    """The client's address by the gate's trust."""
    scope: Mapping[str, Any] | None = scope_of(request)
    if scope is None:
        return gate.address_wsgi(request.META)
    return gate.address_asgi(scope, receive=receive_of(scope))


def network_of(address: str, prefix: int = 64) -> str:
    """An IPv6 address by its network, of which one client has all addresses; others as they are."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ip_network((found, prefix), strict=False))
