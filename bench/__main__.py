"""Measures tidegate beside other libraries. Run by `./dev bench`.

usage: ./dev bench [--quick] [--only rust|python|web|load|stores]

Measures what `./dev release` compiles, or with `--quick`, what `./dev build` does.
Prints tables. A full run also writes `bench/results/full.json`, and from it
`docs/benchmarks.md` and its pictures; any other run writes its result below `target/`.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from bench import engine, environment, store_engine
from bench.effort import FULL, QUICK, Effort
from bench.report import load, page, result, store_tables, tables

ROOT = environment.ROOT
PARTS = ("rust", "python", "web", "load", "stores")


def main() -> None:
    """Builds, measures and reports."""
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures tidegate.")
    parser.add_argument("--quick", action="store_true", help="some minutes")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    parts = [options.only] if options.only else list(PARTS)

    environment.prepare(as_released=effort is FULL)
    begun = time.monotonic()
    figures, notes = _measure(parts, effort)
    made = result.make(effort.name, figures, notes)
    print(f"bench: measured for {time.monotonic() - begun:.0f} s\n")
    is_whole = effort is FULL and not options.only
    _write(made, ROOT / "bench" / "results" if is_whole else environment.TARGET, is_whole)
    all_tables = (*tables.all_tables(made), *load.load_tables(made))
    for title, table in (*all_tables, *store_tables.store_tables(made)):
        print(f"{title}\n\n{table}\n")
    for note in notes:
        print("note:", note)


def _measure(parts: list[str], effort: Effort) -> tuple[dict[str, list[float]], list[str]]:
    figures: dict[str, list[float]] = {}
    notes: list[str] = []
    if "rust" in parts:
        figures, notes = engine.measure(effort)
    if "stores" in parts:
        figures |= store_engine.measure()
    keys = ["--keys", *map(str, effort.python_keys)]
    own_keys = ["--own-keys", *map(str, effort.python_own_keys)]
    for part, module, milliseconds, more in (
        ("python", "bench.python.calls", effort.milliseconds, [*keys, *own_keys]),
        ("web", "bench.python.web", effort.milliseconds, []),
        ("stores", "bench.python.stores", effort.store_milliseconds, []),
    ):
        if part in parts:
            print("bench:", part)
            often = ["--rounds", str(effort.rounds), "--milliseconds", str(milliseconds)]
            found = json.loads(environment.python(module, *often, *more))
            figures |= found["figures"]
            notes += found["notes"]
    if "load" in parts:
        print("bench: load")
        environment.need("wrk")
        often = ["--rounds", str(effort.load_rounds), "--seconds", str(effort.load_seconds)]
        found = json.loads(environment.python("bench.python.load", *often))
        figures |= found["figures"]
    return figures, notes


def _write(made: dict[str, Any], folder: Path, is_whole: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{made['effort']}.json"
    path.write_text(json.dumps(made, indent=2) + "\n")
    print("bench: wrote", path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
    if is_whole:
        (ROOT / "docs" / "benchmarks.md").write_text(page.render(made))
        pictures = ROOT / "docs" / "benchmarks"
        environment.python("bench.report.pictures", str(path), str(pictures))


if __name__ == "__main__":
    main()
