"""The program `tidegate`, which is written in Rust, as an entry point of this package."""

from __future__ import annotations

import signal
import sys
import threading

from tidegate._native import run_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program with `arguments`, by default those of this process.

    Returns:
        Its exit status.
    """
    # Python's own handler only takes a note for the interpreter, which does not run meanwhile.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()
    return run_command(["tidegate", *(sys.argv[1:] if arguments is None else arguments)])
