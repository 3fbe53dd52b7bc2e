"""Processes that are forked in mid-use, as `gunicorn --preload` and multiprocessing do."""

import asyncio
import json
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable

import pytest

from tests.stores.servers import Postgres, Redis
from tidegate import Limiter

LIMIT = 200


def forked(work: Callable[[], object]) -> Callable[[], object]:
    """Runs `work` in a fork, which ends as a process ordinarily does; gives its result."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # CPython warns of forks beside threads, since 3.12; that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.write(writing, json.dumps(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)

    def join() -> object:
        with os.fdopen(reading, "rb") as results:
            said = results.read()
        _, status = os.waitpid(pid, 0)
        assert status == 0
        result: object = json.loads(said)
        return result

    return join


def taken(limiter: Limiter, times: int) -> int:
    return sum(limiter.allow("a") for _ in range(times))


async def ataken(limiter: Limiter, times: int) -> int:
    return sum(await asyncio.gather(*(limiter.aallow("a") for _ in range(times))))


def test_parent_and_child_go_on_and_share_the_limit(store: str) -> None:
    with Limiter(f"{LIMIT}/day", store=store) as limiter:
        before = taken(limiter, 10) + asyncio.run(ataken(limiter, 10))

        def work() -> int:
            return taken(limiter, 70) + asyncio.run(ataken(limiter, 70))

        joins = [forked(work) for _ in range(2)]
        own = work()
        assert before + own + sum(int(str(join())) for join in joins) == LIMIT
        assert not limiter.allow("a")


def test_a_child_does_not_disturb_the_connections_of_its_parent(server: Redis | Postgres) -> None:
    store = server.fresh("disturb") + "&timeout=5s"
    with Limiter("100000/day", store=store) as limiter:
        assert limiter.allow("a")

        def work() -> int:
            count = taken(limiter, 50)
            limiter.close()
            return count

        joins = [forked(work) for _ in range(4)]
        assert taken(limiter, 200) == 200
        assert [join() for join in joins] == [50] * 4
        assert not limiter.check("a").degraded
        assert limiter.store_stats()["failures"] == 0


@pytest.mark.parametrize("turn", range(5))
def test_forks_while_other_threads_and_the_loop_are_busy(store: str, turn: int) -> None:
    over = threading.Event()
    with Limiter("1000000/day", store=store) as limiter:

        async def busy() -> None:
            while not over.is_set():
                await ataken(limiter, 20)

        def work() -> int:
            while not over.is_set():
                limiter.allow(f"key:{turn}")
            return 0

        threads = [threading.Thread(target=asyncio.run, args=(busy(),))]
        threads += [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.02)
            joins = [forked(lambda: taken(limiter, 5)) for _ in range(6)]
            assert [join() for join in joins] == [5] * 6
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _child(limiter_url: str, results: "multiprocessing.SimpleQueue[int]") -> None:
    limiter = _limiters[limiter_url]
    results.put(taken(limiter, 40) + asyncio.run(ataken(limiter, 40)))


_limiters: dict[str, Limiter] = {}


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_children_of_multiprocessing_end_and_count_exactly(store: str) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[int] = context.SimpleQueue()
    with Limiter(f"{LIMIT}/day", store=store) as limiter:
        _limiters[store] = limiter
        own = asyncio.run(ataken(limiter, 20))
        children = [context.Process(target=_child, args=(store, results)) for _ in range(4)]
        for child in children:
            child.start()
        own += taken(limiter, 20)
        for child in children:
            child.join(20)
        assert [child.exitcode for child in children] == [0] * 4
        assert own + sum(results.get() for _ in children) == LIMIT
        del _limiters[store]


def test_units_paid_for_in_advance_belong_to_the_process_that_paid(store: str) -> None:
    with Limiter(f"{LIMIT}/day", store=store, lease="30s") as limiter:
        # Enough for leases of several requests.
        before = taken(limiter, 60)
        assert before == 60

        def work() -> int:
            count = taken(limiter, 60)
            limiter.close()
            return count

        # One after the other: whatever is still there is there to be taken.
        theirs = [int(str(forked(work)())) for _ in range(3)]
        own = taken(limiter, 200)
        assert before + sum(theirs) + own == LIMIT
