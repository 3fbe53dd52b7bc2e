"""Where limits can stand, from the nearest to a request to the farthest."""

from __future__ import annotations

from collections.abc import Iterator

import flask

from tidegate.flask import _marks
from tidegate.flask._limit import Limit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.flask._extension import TideGate


def places(
    app: flask.Flask, owner: TideGate, default: Limit | None, endpoint: str, method: str
) -> Iterator[tuple[str, list[Limit], bool]]:
    """The places of an endpoint, each with its limits, and whether it is exempt from those
    farther away.
    """
    limits: dict[Limit, None] = {}
    exempts = False
    for marked in _marks.views_of(app.view_functions.get(endpoint), method):
        limits.update(dict.fromkeys(_marks.limits_of(marked, owner)))
        exempts = exempts or _marks.is_exempt(marked, owner)
    yield "route", list(limits), exempts
    if is_static(app, endpoint):
        return
    for name in blueprint_names(endpoint):
        blueprint = app.blueprints.get(name)
        if blueprint is not None:
            yield f"blueprint {name}", *owner.of_blueprint(blueprint)
    if default is not None:
        yield "default", [default], False


def blueprint_names(endpoint: str) -> Iterator[str]:
    """The blueprints of an endpoint, from the innermost out."""
    name = endpoint.rpartition(".")[0]
    while name:
        yield name
        name = name.rpartition(".")[0]


def is_static(app: flask.Flask, endpoint: str) -> bool:
    """Whether an endpoint is Flask's own, for the files of a static folder."""
    name, _, last = endpoint.rpartition(".")
    holder = app.blueprints.get(name) if name else app
    return last == "static" and holder is not None and holder.has_static_folder
