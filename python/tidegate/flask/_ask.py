"""Asks the callables that a user has given: a key, a cost, a condition, a limit.

Each is given `flask.request`, or nothing if it takes nothing, and may be async as a view may.
What it raises is neither swallowed nor left without a name: only a response, such as that of
`abort(401)`, passes through as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

from werkzeug.exceptions import HTTPException

from tidegate._keys import is_async, name_of
from tidegate.errors import ConfigError, ConfigTypeError, shorten
from tidegate.flask._refusal import running_app


class Question:
    """A user's callable, and what it is for.

    Args:
        what: what an error calls it, such as "key".
        function: the callable.
        given: how many arguments there are for it.
    """

    def __init__(self, what: str, function: object, given: int = 1) -> None:
        if not callable(function):
            raise ConfigTypeError(f"`{what}` must be a callable, got {shorten(function)}")
        self.what = what
        self.function: Callable[..., Any] = function
        self.name = name_of(function)
        self._takes = _takes(what, function, given)
        self._is_async = is_async(function)

    def ask(self, *values: object) -> Any:
        """Calls it with as many of the values as it takes."""
        function = self.function
        try:
            if self._is_async:
                function = running_app().ensure_sync(function)
            return function(*values[: self._takes])
        except HTTPException:
            raise
        except Exception as error:
            described = f"{type(error).__name__}: {shorten(str(error))}"
            raise ConfigError(f"the {self.what} callable {self.name} raised {described}") from error


def question(what: str, function: object, given: int = 1) -> Question | None:
    """The question that a callable is for, or `None` if there is none."""
    return None if function is None else Question(what, function, given)


def _takes(what: str, function: Callable[..., Any], given: int) -> int:
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtins do not tell
        return given
    if any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in parameters):
        return given
    by_position = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    positional = [parameter for parameter in parameters if parameter.kind in by_position]
    needed = sum(parameter.default is Parameter.empty for parameter in positional)
    if needed > given:
        raise ConfigError(
            f"the {what} callable {name_of(function)} takes {needed} arguments, and is given "
            f"at most {given}"
        )
    # What has a default is the callable's own: `lambda plan=plan: ...`.
    return needed
