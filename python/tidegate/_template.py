"""A refusal's body from a text of the user's, with places such as `$retry_after` to fill in."""

from __future__ import annotations

import json
import math
from html import escape
from os import fspath
from pathlib import Path
from string import Template

from tidegate.errors import ConfigError, ConfigTypeError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

    from tidegate._native import Decision

_PLACES = ("address", "id", "limit", "reason", "remaining", "reset_after", "retry_after", "rule")


def checked_template(template: str | PathLike[str]) -> str:
    """Returns the text of a template, which is given as text or as the path of a file.

    Raises:
        ConfigError: the file cannot be read, or a place is none that can be filled in.
    """
    if isinstance(template, str):
        text = template
    elif hasattr(template, "__fspath__"):
        try:
            text = Path(fspath(template)).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the template {shorten(fspath(template))}: {error}") from None
    else:
        raise ConfigTypeError(
            f"`template` must be text, or the path of a file, got {shorten(template)}"
        )
    try:
        Template(text).substitute(dict.fromkeys(_PLACES, ""))
    except KeyError as error:
        raise ConfigError(
            f"`template` has the place ${error.args[0]}, which is none of "
            f"{', '.join(f'${place}' for place in _PLACES)}"
        ) from None
    except ValueError as error:
        raise ConfigError(f"`template`: {error}; write a dollar sign as $$") from None
    return text


def rendered(template: str, decision: Decision) -> tuple[str, bytes]:
    """Fills in a template; returns its content type and the body."""
    kind = _kind(template)
    values = {place: _escaped(kind, _value(decision, place)) for place in _PLACES}
    return kind, Template(template).substitute(values).encode("utf-8", "replace")


def _kind(template: str) -> str:
    start = template.lstrip()[:1]
    if start == "<":
        return "text/html; charset=utf-8"
    if start in ("{", "["):
        return "application/json"
    return "text/plain; charset=utf-8"


def _value(decision: Decision, place: str) -> str:
    value = getattr(decision, place)
    if isinstance(value, float):
        return "" if math.isinf(value) else str(math.ceil(value))
    return "" if value is None else str(value)


def _escaped(kind: str, value: str) -> str:
    if kind.startswith("text/html"):
        return escape(value)
    # Between the quotes that the template has.
    return json.dumps(value)[1:-1] if kind == "application/json" else value
