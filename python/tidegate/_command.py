"""The program `tidegate`, which is written in Rust, as an entry point of this package.

One argument is read here, because only Python can: `doctor --app MODULE:NAME` is looked at, and
the program told what was found.
"""

from __future__ import annotations

import signal
import sys
import threading

from tidegate._native import run_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_APP = "--app"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program with `arguments`, by default those of this process.

    Returns:
        Its exit status.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "doctor" in words:
        words = _with_routes(words)
    # Python's own handler only takes a note for the interpreter, which does not run meanwhile.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()
    return run_command(["tidegate", *words])


def _with_routes(words: list[str]) -> list[str]:
    """The words, with what is known of the application that they name."""
    place = _value_of(words)
    if place is None:
        return words
    from tidegate._unlimited import (  # noqa: PLC0415 - it is for this one argument only
        NotFoundError,
        NotKnownError,
        unlimited_routes,
    )

    try:
        routes = unlimited_routes(place)
    except NotFoundError as error:
        return [*words, f"--app-error={error}"]
    except NotKnownError as error:
        return [*words, f"--app-unknown={error}"]
    return [
        *words,
        f"--app-routes={routes.all}",
        *(f"--app-unlimited={route}" for route in routes.unlimited),
    ]


def _value_of(words: list[str]) -> str | None:
    """The value of `--app`, however it is written."""
    for number, word in enumerate(words):
        if word == _APP and number + 1 < len(words):
            return words[number + 1]
        if word.startswith(f"{_APP}="):
            return word.partition("=")[2]
    return None
