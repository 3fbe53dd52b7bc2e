"""Processes that share a table and are killed at random while they count."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tidegate import Limiter

# Counts admissions until it is told to stop, and writes a byte for each as it happens.
WORKER = """
import os, sys
from tidegate import Limiter
limiter = Limiter(sys.argv[2], store=sys.argv[1])
while True:
    for key in range(50):
        if limiter.allow(f"key:{key}"):
            os.write(1, b"%d\\n" % key)
"""
KEYS = 50
LIMIT = 400
ALGORITHMS = ["gcra", "fixed_window", "sliding_window_counter"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_workers_killed_at_random_never_admit_more_and_leave_a_table_that_works(
    algorithm: str, tmp_path: Path
) -> None:
    store, limit = f"shared://{tmp_path}/table?capacity=512", f"{algorithm}: {LIMIT}/week"
    output = tmp_path / "admitted"
    killed = 0
    dice = random.Random(1)
    with output.open("ab") as sink:

        def start() -> "subprocess.Popen[bytes]":
            return subprocess.Popen([sys.executable, "-c", WORKER, store, limit], stdout=sink)

        workers = [start() for _ in range(4)]
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            time.sleep(dice.uniform(0.02, 0.15))
            victim = dice.randrange(len(workers))
            os.kill(workers[victim].pid, signal.SIGKILL)
            workers[victim].wait()
            killed += 1
            workers[victim] = start()
        # Enough is left for the survivors to use up what there is.
        time.sleep(2)
        for worker in workers:
            worker.kill()
            worker.wait()

    counts = [0] * KEYS
    for line in output.read_bytes().splitlines():
        counts[int(line)] += 1
    limiter = Limiter(limit, store=store)
    assert all(not limiter.allow(f"key:{key}") for key in range(KEYS))
    # Whoever is killed between the admission and its line takes one unit along.
    assert max(counts) <= LIMIT
    assert sum(counts) >= KEYS * LIMIT - killed - len(workers)
    assert killed >= 10
