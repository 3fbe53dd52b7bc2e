"""What a run leaves behind: its figures in short, and whether they meet the targets."""

from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Any

from bench.report import load, machine
from bench.report.store_targets import STORE_TARGETS
from bench.report.targets import TARGETS, Figures


def make(effort: str, figures: Figures, notes: Sequence[str]) -> dict[str, Any]:
    """Returns the result of a run, as it is written to a file."""
    figures = {**figures, **load.unlimited(figures)}
    targets = []
    for target in (*TARGETS, *load.LOAD_TARGETS, *STORE_TARGETS):
        value = target.value(figures)
        row = {"text": target.text, "value": value, "sense": target.sense, "bound": target.bound}
        met = value is not None and target.is_met(value)
        targets.append({**row, "unit": target.unit, "met": met})
    return {
        "effort": effort,
        "machine": machine.describe(),
        "versions": machine.versions(),
        "targets": targets,
        "figures": {name: _summary(rounds) for name, rounds in figures.items()},
        "losses": load.losses(figures),
        "notes": list(notes),
    }


def _summary(rounds: Sequence[float] | Any) -> Mapping[str, float]:
    tenths = quantiles(rounds, n=10, method="inclusive") if len(rounds) > 1 else [rounds[0]]
    figures = {"median": median(rounds), "low": tenths[0], "high": tenths[-1]}
    return {name: round(figure, 3) for name, figure in figures.items()} | {"rounds": len(rounds)}
