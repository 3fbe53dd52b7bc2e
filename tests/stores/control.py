"""How late this machine, and this process, wake who sleeps: what no test can blame on a store.

A thread sleeps a millisecond at a time and notes how late it wakes, while the test runs beside it.
Whoever holds the interpreter holds the thread up too, which must excuse nothing: so another
process does the same, and the thread is believed no more than a little beyond that.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

STEP = 0.001
# How much longer the thread may sleep than the process: others have the interpreter in turns.
_TURNS = 0.02
# Sleeps until its input ends, and tells how late it woke at the worst.
_BESIDE = """
import sys, threading, time

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
print("ready", flush=True)
step = float(sys.argv[1])
worst = 0.0
while not ended.is_set():
    begun = time.perf_counter()
    time.sleep(step)
    worst = max(worst, time.perf_counter() - begun - step)
print(worst)
"""


class Control:
    """What the thread saw."""

    def __init__(self) -> None:
        # Seconds, one for each step.
        self.late: list[float] = []
        # The longest that the other process overslept.
        self.beside = 0.0
        self._ended = threading.Event()

    @property
    def worst(self) -> float:
        """The longest that it overslept, in seconds, as far as the machine is to blame."""
        return min(max(self.late), self.beside + _TURNS)

    def run(self) -> None:
        """Sleeps until it is ended."""
        while not self._ended.is_set():
            begun = time.perf_counter()
            time.sleep(STEP)
            self.late.append(time.perf_counter() - begun - STEP)

    def end(self) -> None:
        """Ends it."""
        self._ended.set()


def time_queued() -> float:
    """Seconds that threads of this process were ready to run, and waited for a processor, in all.

    Of all its threads: one that is kept from a processor while it has the interpreter keeps the
    others waiting for that.
    """
    queued = 0
    for thread in Path("/proc/self/task").iterdir():
        # A thread may be over before its file is read.
        with suppress(OSError):
            queued += int((thread / "schedstat").read_text().split()[1])
    return queued / 1e9


@contextmanager
def control() -> Iterator[Control]:
    """Sleeps beside the block; what is to be said of that is known afterwards."""
    beside = subprocess.Popen(
        [sys.executable, "-c", _BESIDE, str(STEP)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert beside.stdout is not None
    assert beside.stdout.readline() == "ready\n"
    running = Control()
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running
    finally:
        running.end()
        thread.join()
        running.beside = float(beside.communicate()[0])
