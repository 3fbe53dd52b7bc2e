"""The views of a project, as its URLs have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import URLResolver, get_resolver


class Route(NamedTuple):
    """One view.

    Attributes:
        template: such as "/items/<int:id>/".
        view: the view function.
        names: what the setting `exempt` may call it: its name with its namespaces, and the
            dotted path of the view function.
    """

    template: str
    view: Any
    names: tuple[str, ...]


def routes() -> list[Route]:
    """Every view that the project's URLs lead to, in order."""
    return list(_below(get_resolver(), "", ()))


def _below(resolver: URLResolver, prefix: str, namespaces: tuple[str, ...]) -> Iterator[Route]:
    for pattern in resolver.url_patterns:
        own = str(pattern.pattern)
        # As Django joins them: "^" begins the whole.
        template = prefix + (own.removeprefix("^") if prefix else own)
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _below(pattern, template, inner)
        else:
            leaf: Any = pattern
            path: str = leaf.lookup_str
            named = ":".join([*namespaces, leaf.name or path])
            yield Route(f"/{template}", leaf.callback, (named, path))
