"""A store that does not answer, or many that come and go, never trouble an event loop."""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from tests.stores.control import STEP, control, time_queued
from tests.stores.servers import Postgres, Redis
from tidegate import Decision, Limiter

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
WAITING, TURNS = 200, 5
TIMEOUT = 0.2
# How long an attempt to connect may take, and a little more.
CONNECTING = 2.5
# What a check may take beyond its timeout, and how late the loop may be, in seconds: beyond what
# this machine adds to the shortest sleep.
GRACE, LAG = 0.02, 0.005


def run(loop: str, work: Coroutine[Any, Any, Any]) -> Any:
    """Runs to the end on a new loop of this kind."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(work)


class Ticks:
    """How late a timer of a millisecond was, time after time, in seconds."""

    def __init__(self) -> None:
        # Without what was spent in the queue for a processor; and that.
        self.late: list[float] = []
        self.queued: list[float] = []

    def clear(self) -> None:
        """Forgets what was."""
        self.late.clear()
        self.queued.clear()

    async def run(self) -> None:
        """Ticks until it is cancelled."""
        while True:
            begun, queued = time.perf_counter(), time_queued()
            await asyncio.sleep(STEP)
            # Less than nothing where a thread has ended.
            self.queued.append(max(0.0, time_queued() - queued))
            self.late.append(time.perf_counter() - begun - STEP - self.queued[-1])


async def timed(limiter: Limiter, key: str) -> tuple[Decision, float]:
    begun = time.perf_counter()
    decision = await limiter.acheck(key)
    return decision, time.perf_counter() - begun


@pytest.mark.parametrize("loop", list(LOOPS))
def test_a_frozen_store_delays_nobody_but_those_who_ask(own: Redis | Postgres, loop: str) -> None:
    # Enough failures in a row that it is not left alone, so that every check has to wait.
    url = own.fresh("frozen") + f"&timeout={int(TIMEOUT * 1000)}ms&failures=1000"

    ticks = Ticks()
    answers: list[tuple[Decision, float]] = []

    async def work() -> tuple[float, int]:
        async with Limiter("1000/day", store=url) as limiter:
            warm = [await limiter.acheck(f"warm:{number}") for number in range(20)]
            assert not all(decision.degraded for decision in warm)
            ticker = asyncio.create_task(ticks.run())
            await asyncio.sleep(0.02)
            own.freeze()
            with control() as beside:
                # What it took to start that, the loop is not to answer for.
                await asyncio.sleep(0.01)
                ticks.clear()
                for turn in range(TURNS):
                    asked = [timed(limiter, f"{turn}:{key}") for key in range(WAITING)]
                    answers.extend(await asyncio.gather(*asked))
                ticker.cancel()
        return beside.worst, len(beside.late)

    try:
        overslept, steps = run(loop, work())
    finally:
        own.thaw()
    assert len(answers) == TURNS * WAITING
    assert all(decision.degraded and decision.allowed for decision, _ in answers)
    longest = max(wait for _, wait in answers)
    assert longest <= TIMEOUT + GRACE + overslept + max(ticks.queued)
    # As a loop that is never blocked ticks, on this machine as it is.
    assert len(ticks.late) > steps / 3
    assert max(ticks.late) <= LAG + overslept, sorted(ticks.late)[-5:]


def test_calls_without_an_awaited_way_of_their_own_do_not_block_either(
    own: Redis | Postgres,
) -> None:
    url = own.fresh("frozen") + "&timeout=300ms&failures=1000"

    ticks = Ticks()

    async def work() -> float:
        limiter = Limiter("1000/day", store=url)
        async with limiter, limiter.reserve("warm", cost=1) as reservation:
            # To begin a thread takes Python as long as the machine takes to run it.
            await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.05) for _ in range(10)))
            own.freeze()
            ticker = asyncio.create_task(ticks.run())
            with control() as beside:
                # What it took to start that, the loop is not to answer for.
                await asyncio.sleep(0.01)
                ticks.clear()
                outcomes = await asyncio.gather(
                    limiter.apeek("a"),
                    limiter.acheck_many(["a", "b"]),
                    limiter.aallow_many(["a", "b"]),
                    limiter.areset("a"),
                    limiter.arefund("a"),
                    limiter.adebit("a"),
                    limiter.akeys(),
                    limiter.aacquire("a", timeout=1),
                    reservation.asettle(0),
                    return_exceptions=True,
                )
                ticker.cancel()
        unexpected = [one for one in outcomes if isinstance(one, BaseException)]
        assert {type(one).__name__ for one in unexpected} <= {"StoreError"}
        return beside.worst

    try:
        overslept = run("asyncio", work())
    finally:
        own.thaw()
    assert max(ticks.late) <= LAG + overslept, sorted(ticks.late)[-5:]


async def test_a_cancelled_wait_leaves_the_rest_alone(own: Redis | Postgres) -> None:
    async with Limiter("1000/day", store=own.fresh("cancel") + "&timeout=2s") as limiter:
        await limiter.acheck("warm")
        own.freeze()
        tasks = [asyncio.create_task(timed(limiter, f"k{number}")) for number in range(20)]
        await asyncio.sleep(0.02)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.sleep(0)
        own.thaw()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(answer, asyncio.CancelledError) for answer in answers[::2])
        kept = [answer for answer in answers[1::2] if not isinstance(answer, BaseException)]
        assert len(kept) == 10
        assert all(decision.allowed for decision, _ in kept)
        assert (await limiter.acheck("afterwards")).allowed


async def test_an_exception_in_the_middle_hurts_nobody_else(store: str) -> None:
    async with Limiter("1000/day", store=store) as limiter:

        async def failing() -> None:
            await limiter.acheck("a")
            raise KeyError("mine")

        outcomes = await asyncio.gather(
            *(failing() for _ in range(10)),
            *(limiter.acheck("b") for _ in range(10)),
            return_exceptions=True,
        )
        assert [type(one).__name__ for one in outcomes[:10]] == ["KeyError"] * 10
        assert all(outcomes[10:])


@pytest.mark.parametrize("loop", list(LOOPS))
def test_one_limiter_serves_loop_after_loop(store: str, loop: str) -> None:
    with Limiter("100/day", store=store) as limiter:

        async def three() -> int:
            return sum(await asyncio.gather(*(limiter.aallow("a") for _ in range(3))))

        assert sum(run(loop, three()) for _ in range(50)) == 100


def test_a_loop_that_is_closed_with_questions_on_their_way(own: Redis | Postgres) -> None:
    url = own.fresh("closed") + "&timeout=100ms&failures=1000"
    with Limiter("1000/day", store=url) as limiter:

        async def impatient() -> None:
            waiting = [asyncio.ensure_future(limiter.acheck(f"{key}")) for key in range(5)]
            await asyncio.wait(waiting, timeout=0.001)

        async def patient() -> Decision:
            return await limiter.acheck("x")

        run("asyncio", patient())
        own.freeze()
        try:
            for loop in LOOPS:
                for _ in range(3):
                    run(loop, impatient())
            before = settled()
            for loop in LOOPS:
                for _ in range(20):
                    run(loop, impatient())
            # Until the last question is given up, and the last attempt to connect.
            time.sleep(CONNECTING)
            after = settled()
        finally:
            own.thaw()
        assert after[0] <= before[0] + 2, (before, after)
        assert after[1] <= before[1], (before, after)


def test_two_loops_in_two_threads_at_once(store: str) -> None:
    counts: list[int] = []
    with Limiter("500/day", store=store) as limiter:

        async def many() -> int:
            total = 0
            for _ in range(20):
                total += sum(await asyncio.gather(*(limiter.aallow("a") for _ in range(20))))
            return total

        def work(loop: str) -> None:
            counts.append(run(loop, many()))

        threads = [threading.Thread(target=work, args=(loop,)) for loop in LOOPS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(counts) == 2
    assert sum(counts) == 500


def settled() -> tuple[int, int]:
    """Descriptors and threads of this process, when no garbage is left."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))  # noqa: PTH208


@pytest.mark.parametrize("ends", ["closed", "let go"])
def test_a_thousand_limiters_leave_no_descriptor_and_no_thread(store: str, ends: str) -> None:
    def cycle(number: int) -> None:
        limiter = Limiter("100000/day", store=store, lease="60s" if number % 4 == 3 else None)
        if number % 2:
            # Enough for a lease of more than one request, if there are leases.
            assert all(limiter.allow("a") for _ in range(3))
        else:
            asyncio.run(_ask(limiter))
        if ends == "closed":
            limiter.close()

    for number in range(0, 20, 2):
        cycle(number)
    before = settled()
    for number in range(1000):
        cycle(number)
    deadline = time.monotonic() + 5
    while (after := settled())[1] > before[1] and time.monotonic() < deadline:
        time.sleep(0.05)
    # A thread that minds leases notices within a second that their owner is gone.
    assert after[1] <= before[1], (before, after)
    assert after[0] <= before[0] + 2, (before, after)


async def _ask(limiter: Limiter) -> None:
    assert await limiter.aallow("a")
