"""What a decorator says about a limit, checked when it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from inspect import signature
from typing import Any, cast

from tidegate._arguments import limit_string, text, whole_number
from tidegate._gate import make_gate
from tidegate.errors import ConfigError, ConfigTypeError, shorten
from tidegate.flask._ask import Question, question

# What a gate is made of by keyword: whatever `make_gate` takes.
GATE_OPTIONS = frozenset(signature(make_gate).parameters) - {"limit"}
OWN_OPTIONS = frozenset(
    {"charge_on", "cost", "deduct_when", "exempt_when", "methods", "on_breach"}
    | {"override_defaults", "per_method", "scope"}
)
LIMIT_FORM = frozenset({"requests", "period", "burst", "algorithm"})


class Limit:
    """One limit of a route, of a blueprint or of a function.

    Attributes:
        value: the limit string, or who tells it for a request.
        options: what its gate is made of, besides what the extension says.
        methods: those that it counts; all if `None`.
    """

    def __init__(
        self,
        value: str | int | Callable[..., object] | None,
        **given: Any,
    ) -> None:
        refuse_unknown("a keyword of a limit", given, GATE_OPTIONS | OWN_OPTIONS | LIMIT_FORM)
        form = {name: given.pop(name) for name in LIMIT_FORM & given.keys()}
        self.value: str | Question
        if callable(value):
            if form:
                raise ConfigError(f"a callable limit and `{min(form)}` are both given")
            self.value = Question("limit", value)
        else:
            self.value = limit_string(value, **form)
        self.methods = _methods(given.pop("methods", None))
        self.per_method = bool(given.pop("per_method", False))
        self.override_defaults = bool(given.pop("override_defaults", True))
        self.exempt_when = question("exempt_when", given.pop("exempt_when", None))
        self.on_breach = question("on_breach", given.pop("on_breach", None), given=2)
        self.deduct_when = question("deduct_when", given.pop("deduct_when", None))
        cost = given.pop("cost", None)
        self.cost: int | Question | None
        if callable(cost):
            self.cost = Question("cost", cost)
        else:
            self.cost = None if cost is None else whole_number("cost", cost, least=0)
        self.scope = _scope(given.pop("scope", None))
        if self.deduct_when is not None:
            if "charge_on" in given:
                raise ConfigError("`deduct_when` and `charge_on` are both given: give one")
            given["charge_on"] = self.deduct_when.function
        elif callable(given.get("charge_on")):
            self.deduct_when = Question("charge_on", given["charge_on"])
        self.options = given
        # Whether a callable is asked for each request, besides those that the gate knows.
        self.asks = self.exempt_when is not None or isinstance(self.cost, Question)
        self._try_out()

    def _try_out(self) -> None:
        """Makes a gate of it once: what is wrong is said where it was written."""
        value = "1/second" if isinstance(self.value, Question) else self.value
        options: dict[str, Any] = {**self.options}
        options.pop("store", None)
        if isinstance(self.cost, int) and not isinstance(self.value, Question):
            options["cost"] = self.cost
        make_gate(value, **options)

    def counts(self, method: str) -> bool:
        """Whether a request with this method is counted at all."""
        return self.methods is None or method in self.methods

    @property
    def identity(self) -> object:
        """What two limits with one scope must have in common to be one count."""
        return self.value.function if isinstance(self.value, Question) else self.value

    def is_same_count(self, other: Limit) -> bool:
        """Whether two limits with one scope can be one count."""
        return self.identity == other.identity and self.options == other.options

    def __repr__(self) -> str:
        value = self.value.name if isinstance(self.value, Question) else self.value
        return f"<Limit {value}>"


def refuse_unknown(
    what: str, given: Iterable[str], known: Iterable[str], *, prefix: str = ""
) -> None:
    """Raises ConfigError for the first name that is not known, with the nearest that is.

    All names begin with `prefix`, which tells nothing.
    """
    known = sorted(known)
    tails = [name.removeprefix(prefix) for name in known]
    for name in given:
        if name not in known:
            nearest = get_close_matches(name.removeprefix(prefix), tails, n=1)
            every = ", ".join(known)
            hint = f"did you mean {prefix}{nearest[0]}?" if nearest else f"known are {every}"
            raise ConfigError(f"{shorten(name)} is not {what}: {hint}")


def _methods(methods: object) -> frozenset[str] | None:
    if methods is None:
        return None
    if isinstance(methods, str) or not isinstance(methods, Iterable):
        raise ConfigTypeError(f'`methods` must be a list such as ["POST"], got {shorten(methods)}')
    given: Any = cast("Any", methods)
    named = frozenset(text("methods", method).upper() for method in given)
    if not named:
        raise ConfigError("`methods` must name at least one, or be left out")
    # Flask runs the same view for both.
    return named | {"HEAD"} if "GET" in named else named


def _scope(scope: object) -> str | Question | None:
    if scope is None:
        return None
    return Question("scope", scope) if callable(scope) else text("scope", scope)
