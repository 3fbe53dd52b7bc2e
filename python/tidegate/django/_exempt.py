"""What the setting `exempt` frees: views by name, and paths by glob."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from django.urls import ResolverMatch


class Exempt:
    """The views and the paths that no limit of the setting applies to.

    Args:
        entries: a path glob begins with "/": `*` stands for anything within a segment, `**` for
            anything. Other entries name views: "health", "admin:*", or the dotted path of the
            view function, with `*` for anything.

    Attributes:
        names: the entries that name views.
        has_paths: whether there are others.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        globs = [entry for entry in entries if entry.startswith("/")]
        self.names = [entry for entry in entries if not entry.startswith("/")]
        self.has_paths = bool(globs)
        self._paths = _any_of(_path_pattern(glob) for glob in globs)
        self._views = _any_of(map(_name_pattern, self.names))

    def frees_path(self, path: str) -> bool:
        """Whether a path is freed."""
        return self._paths is not None and self._paths.fullmatch(path) is not None

    def frees_view(self, match: ResolverMatch | None) -> bool:
        """Whether the view that serves is freed."""
        if match is None or self._views is None:
            return False
        names = (match.view_name, match._func_path)
        return any(name and self._views.fullmatch(name) for name in names)


def means(entry: str, name: str) -> bool:
    """Whether an entry names the view that is called `name`."""
    return re.fullmatch(_name_pattern(entry), name) is not None


def _name_pattern(entry: str) -> str:
    return re.escape(entry).replace(r"\*", ".*")


def _path_pattern(glob: str) -> str:
    parts = re.split(r"(\*\*|\*)", glob)
    stands_for = {"**": ".*", "*": "[^/]*"}
    return "".join(stands_for.get(part, re.escape(part)) for part in parts)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    found = [f"(?:{pattern})" for pattern in patterns]
    return re.compile("|".join(found), re.DOTALL) if found else None
