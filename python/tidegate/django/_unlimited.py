"""The views of a project, and whether the setting or a decorator limits them: for an audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings

from tidegate._native import Gate
from tidegate.django import _marks, _urls
from tidegate.django._exempt import means
from tidegate.django._settings import Settings
from tidegate.django._state import current_state
from tidegate.django.checks import is_middleware


class View(NamedTuple):
    """One view, by one method.

    Attributes:
        method: such as "GET"; of a function, which takes any, "GET" too.
        template: of the URL, such as "/items/<int:id>/".
        parts: the view, and for a class the class and what serves the method.
        is_settled: whether it has a limit of its own, or is exempt on purpose.
    """

    method: str
    template: str
    parts: list[Any]
    is_settled: bool


def views() -> Iterator[View]:
    """Every view of the project.

    Raises:
        ConfigError: the setting TIDEGATE is wrong.
    """
    state, has_middleware = current_state(), _has_middleware()
    for route in _urls.routes():
        for method in _methods(route.view):
            parts = list(_marks.parts(route.view, method))
            is_settled = (
                _marks.is_exempt(route.view, method)
                or _marks.has_limit(route.view, method)
                or any(map(_is_throttled, parts))
                or (has_middleware and _is_settled(state.settings, route))
            )
            yield View(method, route.template, parts, is_settled)


def gates() -> list[Gate]:
    """The gate that every request passes, if there is one.

    Raises:
        ConfigError: the setting TIDEGATE is wrong.
    """
    application = current_state().application
    return [application.gate] if application is not None and _has_middleware() else []


def _has_middleware() -> bool:
    return any(map(is_middleware, settings.MIDDLEWARE))


def _methods(view: Any) -> list[str]:
    kind: Any = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if kind is None:
        return ["GET"]
    actions: dict[str, str] | None = getattr(view, "actions", None)
    names = actions or [name for name in kind.http_method_names if hasattr(kind, name)]
    found = {name.upper() for name in names}
    return sorted(found - {"HEAD", "OPTIONS"} or found)


def _is_settled(setting: Settings, route: _urls.Route) -> bool:
    """Whether the setting limits every view, or frees this one."""
    exempt = setting.exempt
    is_exempt = exempt.frees_path(route.template) or any(
        means(entry, name) for entry in exempt.names for name in route.names
    )
    return is_exempt or setting.default is not None


def _is_throttled(part: Any) -> bool:
    """Whether a class of REST framework has one of our throttles."""
    throttles: Any = getattr(part, "throttle_classes", ())
    return any(
        base.__module__.startswith("tidegate.")
        for throttle in throttles
        for base in throttle.__mro__
    )
