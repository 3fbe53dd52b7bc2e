"""System checks: what is wrong with the setting, and what is likely to be.

Errors have the ids that a refused start names too, E001 to E010; warnings are W001 to W006.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import isclass
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - its name in Django
from django.utils.module_loading import import_string

from tidegate.django import _limit, _urls
from tidegate.django._exempt import means
from tidegate.django._keys import needs_user
from tidegate.django._middleware import TideGateMiddleware
from tidegate.django._settings import Settings
from tidegate.django._state import current_state
from tidegate.errors import ConfigError

_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_PROCESS_LOCAL = "memory://"


def check_settings(**_: Any) -> list[CheckMessage]:
    """The setting TIDEGATE makes sense."""
    read = Settings(_source())
    return [
        Error(f"settings.TIDEGATE: {problem.text}", id=f"tidegate.{problem.id}")
        for problem in read.problems
    ]


def check_decorators(**_: Any) -> list[CheckMessage]:
    """Every decorator can be served, once its view is imported."""
    if Settings(_source()).problems:
        return []
    found: list[CheckMessage] = []
    _urls.routes()  # imports what has decorators
    for place in sorted(_limit.places, key=lambda place: place.name):
        try:
            place.door()
        except (ConfigError, TypeError) as error:
            found.append(Error(str(error), id="tidegate.E010"))
    return found


def check_deployment(**_: Any) -> list[CheckMessage]:
    """What usually goes wrong does not."""
    read = Settings(_source())
    if read.problems or not read.enabled:
        return []
    warnings = [*_about_store(read), *_about_proxies(read), *_about_middleware(read)]
    warnings += _about_exempt(read)
    return warnings


def _warning(number: str, text: str, hint: str) -> CheckMessage:
    return Warning(text, hint=hint, id=f"tidegate.{number}")


def _about_store(read: Settings) -> Iterator[CheckMessage]:
    store = read.options.get("store", _PROCESS_LOCAL)
    limits = read.limit is not None or read.default is not None or read.rules or _limit.places
    is_local = isinstance(store, str) and store.startswith(_PROCESS_LOCAL)
    if not settings.DEBUG and limits and is_local and read.gate is None:
        yield _warning(
            "W001",
            "settings.TIDEGATE: memory:// counts in each process by itself, so that several "
            "workers let several times the limit through",
            'Set "store" to "shared://NAME" for the workers of one machine, or to '
            '"redis://..." or "postgresql://..." for several machines.',
        )


def _about_proxies(read: Settings) -> Iterator[CheckMessage]:
    signs = [
        name
        for name in ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT")
        if getattr(settings, name, None)
    ]
    if signs and not read.options.get("trusted_proxies") and read.gate is None:
        yield _warning(
            "W002",
            f"settings.{signs[0]} says that the project is behind a proxy, and settings.TIDEGATE "
            "trusts none: all clients have the proxy's address, and one count",
            'Set "trusted_proxies" to the networks of the proxies, or to their number.',
        )


def _about_middleware(read: Settings) -> Iterator[CheckMessage]:
    order = list(settings.MIDDLEWARE)
    ours = [number for number, path in enumerate(order) if is_middleware(path)]
    has_limits = (
        read.limit is not None or read.default is not None or read.rules or read.gate is not None
    )
    if not ours:
        if has_limits:
            yield _warning(
                "W004",
                "settings.TIDEGATE has limits for the whole project, and nobody applies them",
                'Put "tidegate.django.TideGateMiddleware" first in MIDDLEWARE.',
            )
        return
    if len(ours) > 1:
        yield _warning(
            "W006",
            "TideGateMiddleware stands in MIDDLEWARE more than once",
            "Keep the first one; the others do nothing.",
        )
    if not has_limits:
        return
    application = current_state().application
    keys = [rule.key for rule in application.gate.rules] if application is not None else []
    by_user = any(needs_user(key) for key in keys) or needs_user(read.options.get("key"))
    if by_user and _AUTHENTICATION not in order:
        yield _warning(
            "W003",
            'settings.TIDEGATE counts by "user", and nobody finds out who is signed in',
            f'Put "{_AUTHENTICATION}" into MIDDLEWARE.',
        )
    elif by_user and application is not None and ours[0] < order.index(_AUTHENTICATION):
        yield _warning(
            "W003",
            'an application-wide limit counts by "user", and TideGateMiddleware stands before '
            "AuthenticationMiddleware: what gets to no view counts by address",
            "Put TideGateMiddleware behind AuthenticationMiddleware, or count by address there "
            'and by "user" with "default".',
        )


def _about_exempt(read: Settings) -> Iterator[CheckMessage]:
    if not read.exempt.names:
        return
    known = [name for route in _urls.routes() for name in route.names]
    for entry in read.exempt.names:
        if not any(means(entry, name) for name in known):
            yield _warning(
                "W005",
                f'settings.TIDEGATE: "exempt" names {entry!r}, and no view is called so',
                'Views have the names of their URLs, with namespaces: "health", "admin:*". Paths '
                'begin with "/".',
            )


def is_middleware(path: object) -> bool:
    """Whether an entry of MIDDLEWARE is tidegate's."""
    try:
        found: Any = import_string(str(path))
    except (ImportError, RuntimeError):
        return False  # Django says so itself
    return isclass(found) and issubclass(found, TideGateMiddleware)


def _source() -> object:
    return getattr(settings, "TIDEGATE", None)
