"""The command `tidegate`: the same program as from cargo."""

from __future__ import annotations

import signal
import sys

from tidegate._native import run_command


def main() -> None:
    """Runs the command, and ends the process with its status."""
    # Python's own handler runs between two lines of Python, of which there are none from here on.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command(["tidegate", *sys.argv[1:]]))
