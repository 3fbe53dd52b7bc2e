"""Finds the CPythons of this machine that a wheel for the stable ABI must work on."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 10)
NEWEST = (3, 14)

# What a candidate is asked. One without the GIL cannot load the stable ABI of 3.10.
PROBE = """
import sys, sysconfig
if sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("%d.%d %s" % (sys.version_info[0], sys.version_info[1], sys.executable))
"""


def find() -> dict[str, str]:
    """Returns the path of one interpreter for each version, by version, oldest first."""
    found: dict[tuple[int, int], str] = {}
    for candidate in _candidates():
        answer = _ask(candidate)
        if answer is None:
            continue
        version, path = answer
        if OLDEST <= version <= NEWEST:
            found.setdefault(version, path)
    return {f"{major}.{minor}": found[major, minor] for major, minor in sorted(found)}


def _candidates() -> Iterator[str]:
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        yield f"python3.{minor}"
    root = _output(["pyenv", "root"])
    if root is not None:
        yield from sorted(map(str, Path(root).glob("versions/*/bin/python")))
    yield sys.executable


def _ask(candidate: str) -> tuple[tuple[int, int], str] | None:
    # A version manager puts names on PATH that fail when run, so only an answer counts.
    answer = re.fullmatch(r"(\d+)\.(\d+) (.+)", _output([candidate, "-c", PROBE]) or "")
    if answer is None:
        return None
    major, minor, path = answer.groups()
    return (int(major), int(minor)), path


def _output(argv: list[str]) -> str | None:
    try:
        run = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()


if __name__ == "__main__":
    for version, path in find().items():
        print(version, path)
