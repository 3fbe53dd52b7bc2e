"""Draws the pictures of the page from a result. Run in the benchmarks' environment."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found]

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "tidegate", "svg.fonttype": "none", "font.size": 9})
from matplotlib import pyplot as plt  # noqa: E402

from bench.report.tables import ENGINE, keys_in_words  # noqa: E402

PYTHON = ["bare", "allow", "check", "floodgate-rs", "limits", "throttled-py", "pyrate-limiter"]


def main() -> None:
    """Draws from the result named first into the folder named second."""
    source, folder = map(Path, sys.argv[1:])
    figures = json.loads(source.read_text())["figures"]
    folder.mkdir(parents=True, exist_ok=True)
    _latency(figures, folder / "latency.svg")
    _throughput(figures, folder / "throughput.svg")


def _latency(figures: dict[str, Any], path: Path) -> None:
    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for name, label in ENGINE.items():
        _line(left, _points(figures, "rust", f"threads_1.{name}"), label.replace("`", ""))
    for name in PYTHON:
        points = _points(figures, "python", name)
        hot = figures.get(f"python.hot.{name}")
        _line(right, [(1, hot["median"]), *points] if hot else points, name)
    for axes, title in ((left, "Rust, one thread"), (right, "Python")):
        axes.set(title=title, xlabel="keys, at random", ylabel="ns per check", xscale="log")
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
    _save(picture, path)


def _points(figures: dict[str, Any], area: str, rest: str) -> list[tuple[int, float]]:
    points = []
    for name, figure in figures.items():
        if name.startswith(f"{area}.keys_") and name.endswith(f".{rest}"):
            points.append((int(name.split(".")[1].removeprefix("keys_")), figure["median"]))
    return sorted(points)


def _line(axes: Any, points: list[tuple[int, float]], label: str) -> None:
    if points:
        xs, ys = zip(*points, strict=True)
        axes.plot(xs, ys, marker="o", markersize=3, label=label)


def _throughput(figures: dict[str, Any], path: Path) -> None:
    counts = [
        count
        for count, _ in _points(figures, "rust", "threads_2.governor")
        if f"rust.keys_{count}.threads_1.governor" in figures
    ]
    picture, panels = plt.subplots(
        1, max(len(counts), 1), figsize=(9, 3.4), layout="constrained", squeeze=False
    )
    for axes, count in zip(panels[0], counts, strict=False):
        for name, label in ENGINE.items():
            rates = [
                1e3 / figures[f"rust.keys_{count}.threads_{threads}.{name}"]["median"]
                for threads in (1, 2)
            ]
            axes.plot([1, 2], rates, marker="o", markersize=3, label=label.replace("`", ""))
        axes.set(title=keys_in_words(count), xlabel="threads", xticks=[1, 2])
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    panels[0][0].set_ylabel("million checks per second")
    lines = panels[0][0].get_legend_handles_labels()
    picture.legend(*lines, fontsize=7, loc="outside lower center", ncols=3)
    _save(picture, path)


def _save(picture: Any, path: Path) -> None:
    picture.savefig(path, metadata={"Date": None, "Creator": None})
    # matplotlib ends lines with blanks.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


if __name__ == "__main__":
    main()
