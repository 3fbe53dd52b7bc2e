"""Finds out whether the server runs this application in several processes.

Then a count that lives in one process is wrong by their number, and somebody has to be told. No
server has an interface for this, so the frames below the request are asked: the server's own are
among them, and one of them holds its settings. Nothing is imported, no file is read, and a server
that this does not recognise is passed over in silence.

gunicorn: the arbiter, out of which each worker was forked; where greenlets serve, the worker
itself, whose method handles a signal. uvicorn and hypercorn: the configuration that they start
each worker with. granian: the server, out of which the worker was forked; else the number of the
worker. uWSGI: the module `uwsgi`, which it puts into every application.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

_logger = logging.getLogger("tidegate")
# Set once this process has looked.
_looked = threading.Event()

# By the module of a frame: the server, the frame's variable, and the number of workers in it.
_FRAMES: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "gunicorn.arbiter": ("gunicorn", "self", attrgetter("num_workers")),
    "uvicorn._subprocess": ("uvicorn", "config", attrgetter("workers")),
    "hypercorn.asyncio.run": ("hypercorn", "config", attrgetter("workers")),
    "hypercorn.trio.run": ("hypercorn", "config", attrgetter("workers")),
    "granian.server.common": ("granian", "self", attrgetter("workers")),
    # A worker that was not forked knows only its own number; the second one speaks up.
    "granian.server.mp": ("granian", "worker_id", int),
}


def warn_of_siblings() -> None:
    """Says in the log, once a process, that other workers count by themselves.

    The compiled module calls this at the first request of a gate whose counts live in this
    process. Raises nothing, whatever the server looks like.
    """
    if _looked.is_set():
        return
    _looked.set()
    found = siblings()
    if found is not None:
        _logger.warning(
            "%s runs this application in %d workers, and memory:// counts in each of them by "
            'itself, so that up to %d times a limit can pass; set store="shared://NAME", which '
            "all workers of this machine share",
            found[0],
            found[1],
            found[1],
        )


def siblings() -> tuple[str, int] | None:
    """Returns the server and the number of its workers, if it is known to have several."""
    try:
        for server, count in _signs():
            if count > 1:
                return server, count
    except Exception:
        # Other people's objects, looked into for a mere warning.
        _logger.debug("cannot tell the number of workers", exc_info=True)
    return None


def _signs() -> Iterator[tuple[str, int]]:
    """Every server that seems to run this process, and its number of workers."""
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None:
        yield "uWSGI", int(uwsgi.numproc)
    for frame in _server_frames():
        sign = _FRAMES.get(frame.f_globals.get("__name__", ""))
        if sign is not None:
            server, variable, workers = sign
            holder = frame.f_locals.get(variable)
            if holder is not None:
                yield server, int(workers(holder) or 1)
    if "gunicorn.arbiter" in sys.modules:
        # A greenlet's frames do not reach down to the arbiter.
        worker: Any = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        yield "gunicorn", int(getattr(getattr(worker, "cfg", None), "workers", 1))


def _server_frames() -> Iterator[FrameType]:
    """The frames of the main thread, where servers have theirs, the innermost first."""
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage] - it is documented
    frame = frames.get(threading.main_thread().ident or 0)
    while frame is not None:
        yield frame
        frame = frame.f_back
