"""Served applications under load: the table, and the numbers that the project set itself."""

from collections.abc import Mapping
from statistics import median, stdev
from typing import Any

from bench.report.tables import markdown
from bench.report.targets import Figures, Target, ratio

# Less than 3 % of the requests per second.
_MOST = 1 / 0.97
_FAMILIES = {
    "flask": "Flask on gunicorn under load",
    "flask-guide": "Flask as its guide has it under load",
    "fastapi": "FastAPI on uvicorn under load",
    "fastapi-guide": "FastAPI as its guide has it under load",
}
_UNLIMITED = "unlimited"

LOAD_TARGETS = [
    Target(
        f"{words}: time per request with `protect_app` over that without",
        (f"load.{family}.protected",),
        f"load.{family}.{_UNLIMITED}",
        "<=",
        round(_MOST, 3),
    )
    for family, words in _FAMILIES.items()
]


def unlimited(figures: Figures) -> dict[str, list[float]]:
    """Returns what the others are compared with, if measured: the mean of both bare ones."""
    made = {}
    for family in _FAMILIES:
        bare, again = (figures.get(f"load.{family}.{name}", []) for name in ("bare", "again"))
        if bare and again:
            both = zip(bare, again, strict=True)
            made[f"load.{family}.{_UNLIMITED}"] = [sum(pair) / 2 for pair in both]
    return made


def losses(figures: Figures) -> list[dict[str, Any]]:
    """Returns what each served application loses: for rounds, of which nothing else is kept."""
    rows: list[dict[str, Any]] = []
    for name, rounds in figures.items():
        area, _, rest = name.partition(".")
        if area != "load" or rest.endswith((".cpu", f".{_UNLIMITED}")):
            continue
        family = rest.partition(".")[0]
        bare = figures[f"load.{family}.{_UNLIMITED}"]
        lost = [1 - below / above for above, below in zip(rounds, bare, strict=True)]
        error = stdev(lost) / len(lost) ** 0.5 if len(lost) > 1 else None
        loss = 1 - 1 / ratio(rounds, bare)
        server = median(figures[f"{name}.cpu"])
        rate = 1e9 / median(rounds)
        rows.append(
            {"application": rest, "rate": rate, "loss": loss, "error": error, "server": server}
        )
    return rows


def load_tables(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the title and the table of a result; nothing when it was not measured."""
    rows = []
    for row in result["losses"]:
        error = "-" if row["error"] is None else f"{row['error'] * 100:.1f} %"
        loss, server = f"{row['loss'] * 100:.1f} %", f"{row['server'] / 1000:.0f}"
        rows.append([row["application"], f"{row['rate']:.0f}", loss, error, server])
    head = ("application", "requests/s", "loss", "standard error", "server's µs/request")
    table = markdown(head, rows)
    return [("Web under load", table)] if table else []
