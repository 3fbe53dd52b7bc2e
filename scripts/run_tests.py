"""Runs the layers of `./dev test` in order, stops at the first failure, prints the numbers.

The last line of a complete run is `N passed, 0 failed`. Each tool of the layer `check`
counts as one test, and so do rustdoc and the demo.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import counting
from counting import Count
from layers import LAYERS, REPORTS, Step

# Far above the slowest step, a cold release build; it is here so that nothing hangs for ever.
STEP_SECONDS = 1200


@dataclass
class Row:
    """The line of one layer in the table."""

    layer: str
    count: Count = field(default_factory=Count)
    seconds: float = 0.0


class StepFailedError(Exception):
    """A step ended with another status than 0."""


def main(names: list[str]) -> int:
    """Runs the named layers, or all; returns the exit status."""
    unknown = sorted(set(names) - set(LAYERS))
    if unknown:
        print(f"dev: no layer {unknown[0]!r}; there are: {' '.join(LAYERS)}", file=sys.stderr)
        return 2
    # Line by line, so that the lines stand in order among those of the steps.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    REPORTS.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    failure = None
    for layer in [layer for layer in LAYERS if not names or layer in names]:
        print(f"\n=== {layer}")
        rows.append(Row(layer))
        try:
            _run_layer(rows[-1])
        except StepFailedError as error:
            failure = f"dev: layer '{layer}' failed: {error}"
            break
    _print_table(rows)
    if failure is not None:
        print(failure, file=sys.stderr)
    total = sum((row.count for row in rows), Count())
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if failure is None else 1


def _run_layer(row: Row) -> None:
    start = time.monotonic()
    try:
        for step in LAYERS[row.layer]():
            print(f"--- {step.name}")
            status, count = _run_step(step)
            if status != 0:
                # A step that broke before it could count is a failure all the same.
                count.failed = max(count.failed, 1)
            row.count += count
            if status != 0:
                raise StepFailedError(f"{step.name} (exit status {status})")
    finally:
        row.seconds = time.monotonic() - start


def _run_step(step: Step) -> tuple[int, Count]:
    if isinstance(step.counts, Path):
        step.counts.unlink(missing_ok=True)
    process = subprocess.Popen(
        step.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if step.counts == "cargo" else None,
        text=True,
        env=os.environ | step.env,
    )
    watchdog = threading.Timer(STEP_SECONDS, process.kill)
    watchdog.start()
    try:
        count = sum(map(counting.from_cargo, _echo(process)), Count())
        status = process.wait()
    finally:
        watchdog.cancel()
        process.kill()
    if isinstance(step.counts, Path):
        count = counting.from_junit(step.counts)
    elif step.counts == "one" and status == 0:
        count = Count(passed=1)
    return status, count


def _echo(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout or ():
        print(line, end="")
        yield line


def _print_table(rows: list[Row]) -> None:
    print(f"\n{'layer':<10}{'passed':>8}{'skipped':>9}{'seconds':>9}")
    for row in rows:
        count = row.count
        print(f"{row.layer:<10}{count.passed:>8}{count.skipped:>9}{row.seconds:>9.1f}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
