"""Served applications under load: the table, and the numbers that the project set itself."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from bench.report.tables import markdown
from bench.report.targets import Target, ratio

# Less than 3 % of the requests per second.
_MOST = 1 / 0.97

LOAD_TARGETS = [
    Target(
        f"{words} under load: time per request with `protect_app` over that without",
        (f"load.{family}.protected",),
        f"load.{family}.bare",
        "<=",
        round(_MOST, 3),
    )
    for family, words in (("flask", "Flask on gunicorn"), ("fastapi", "FastAPI on uvicorn"))
]


def load_tables(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the title and the table of a result; nothing when it was not measured."""
    figures = result["figures"]
    rows = []
    for name, rounds in figures.items():
        area, _, rest = name.partition(".")
        if area != "load" or rest.endswith(".cpu"):
            continue
        bare = figures[f"load.{rest.partition('.')[0]}.bare"]
        server = median(figures[f"{name}.cpu"]) / 1000
        rate = 1e9 / median(rounds)
        loss = (1 - 1 / ratio(rounds, bare)) * 100
        rows.append((rest, f"{rate:.0f}", f"{loss:.1f} %", f"{server:.0f}"))
    head = ("application", "requests/s", "loss", "server's µs/request")
    table = markdown(head, rows)
    return [("Web under load", table)] if table else []
