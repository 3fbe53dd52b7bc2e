"""Finds the Python blocks of a Markdown file, and runs them from top to bottom.

The blocks of one file share their names, as a reader who types them in one after the other
would have it, and the clock stands still unless a block moves it. What a block needs but a reader
does not stands in a comment:

    <!-- hidden
    from somewhere import something
    -->

Run as a program, with the path of a Markdown file, it prints a JSON object: the line of each
block, and what went wrong in it or null. A process of its own, so that one file's settings
and patches do not reach another.
"""

import json
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from tidegate.testing import frozen_clock

_BLOCK = re.compile(r"^```python\n(.*?)^```$|^<!-- hidden\n(.*?)^-->$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One block: its code, and the line of the file on which the code starts."""

    line: int
    code: str


def find(text: str) -> list[Block]:
    """Returns the blocks of a text, hidden ones included, from top to bottom."""
    return [
        Block(text.count("\n", 0, found.start()) + 2, found.group(1) or found.group(2))
        for found in _BLOCK.finditer(text)
    ]


def run(path: Path) -> dict[int, str | None]:
    """Runs every block; returns what went wrong, by line."""
    names: dict[str, object] = {"__name__": "__main__", "__file__": str(path)}
    results: dict[int, str | None] = {}
    for block in find(path.read_text()):
        # Empty lines above, so that a traceback shows the line in the file.
        code = "\n" * (block.line - 1) + block.code
        try:
            # The blocks are ours, from this repository.
            exec(compile(code, str(path), "exec"), names)
        except Exception:  # noqa: BLE001 - whatever it is, it goes into the report
            results[block.line] = traceback.format_exc()
        else:
            results[block.line] = None
    return results


if __name__ == "__main__":
    with frozen_clock():
        report = json.dumps(run(Path(sys.argv[1])))
    # Examples print; what is wanted stands on the last line.
    sys.stdout.write("\n" + report + "\n")
