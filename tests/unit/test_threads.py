"""Eight threads on one key with a standing clock get exactly the limit, whatever the algorithm."""

import threading

import pytest

from tidegate import Limiter
from tidegate._arguments import ALGORITHMS
from tidegate.testing import Clock

THREADS = 8
CHECKS = 50_000
LIMIT = 1_000


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_exactly_the_limit_is_admitted(algorithm: str) -> None:
    limiter = Limiter(f"{LIMIT}/hour", algorithm=algorithm, clock=Clock())
    start = threading.Barrier(THREADS)
    admitted = [0] * THREADS

    def work(number: int) -> None:
        start.wait()
        allow, count = limiter.allow, 0
        for _ in range(CHECKS):
            count += allow("ana")
        admitted[number] = count

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(admitted) == LIMIT
