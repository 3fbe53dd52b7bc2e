"""`aacquire`, in tasks and with a clock that the test moves."""

import asyncio

import pytest

from tests.unit.waiting import Waiter, in_line
from tidegate import Decision, Limiter
from tidegate.testing import Clock


def spent(limit: str, clock: Clock) -> Limiter:
    limiter = Limiter(limit, clock=clock)
    assert limiter.check("ana")
    return limiter


async def lined_up(limiter: Limiter, count: int) -> list[asyncio.Task[Decision]]:
    """Tasks that wait for `ana`, in this order."""
    tasks = [asyncio.create_task(limiter.aacquire("ana")) for _ in range(count)]
    while in_line(limiter, "ana") < count:
        await asyncio.sleep(0)
    return tasks


async def test_tasks_are_admitted_in_the_order_in_which_they_came() -> None:
    clock = Clock()
    limiter = spent("1/second", clock)
    tasks = await lined_up(limiter, 5)

    for number in range(5):
        clock.advance(1)
        await asyncio.wait_for(tasks[number], 10)
        assert [task.done() for task in tasks] == [other <= number for other in range(5)]

    assert len(limiter._lines) == 0


async def test_other_tasks_run_while_one_waits() -> None:
    clock = Clock()
    limiter = spent("1/second", clock)
    (task,) = await lined_up(limiter, 1)

    for _ in range(100):
        await asyncio.sleep(0)
    assert not task.done()
    clock.advance(1)

    assert await asyncio.wait_for(task, 10)


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_a_cancelled_waiter_leaves_and_the_others_keep_their_order(leaving: int) -> None:
    clock = Clock()
    limiter = spent("1/second", clock)
    tasks = await lined_up(limiter, 3)

    tasks[leaving].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[leaving]
    staying = [task for number, task in enumerate(tasks) if number != leaving]
    clock.advance(1)
    await asyncio.wait_for(staying[0], 10)

    assert not staying[1].done()
    clock.advance(1)
    await asyncio.wait_for(staying[1], 10)
    assert len(limiter._lines) == 0


async def test_one_cancelled_after_it_was_admitted_gives_its_place_back() -> None:
    limiter = Limiter("leaky_bucket: 1/second queue 5s", clock=Clock())
    assert await limiter.aacquire("ana")
    task = asyncio.create_task(limiter.aacquire("ana"))
    while limiter.peek("ana").delay < 2:
        await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert limiter.peek("ana").delay == 1.0


async def test_a_wait_known_to_be_too_long_is_refused_at_once() -> None:
    limiter = spent("1/minute", Clock())

    decision = await limiter.aacquire("ana", timeout=59)

    assert (decision.allowed, decision.retry_after) == (False, 60.0)


async def test_one_whose_time_runs_out_in_line_is_refused() -> None:
    clock = Clock()
    limiter = spent("1/second burst 1", clock)
    (first,) = await lined_up(limiter, 1)
    second = asyncio.create_task(limiter.aacquire("ana", timeout=1.2))
    while in_line(limiter, "ana") < 2:
        await asyncio.sleep(0)

    clock.advance(1)

    assert await asyncio.wait_for(first, 10)
    assert not await asyncio.wait_for(second, 10)


async def test_threads_and_tasks_stand_in_one_line() -> None:
    clock = Clock()
    limiter = spent("1/second", clock)
    done: list[str] = []
    thread = Waiter(limiter, "ana", 1, done, "thread")
    (task,) = [asyncio.create_task(limiter.aacquire("ana"))]
    while in_line(limiter, "ana") < 2:
        await asyncio.sleep(0)

    clock.advance(1)
    assert await asyncio.to_thread(thread.join)
    assert not task.done()
    clock.advance(1)

    assert await asyncio.wait_for(task, 10)


async def test_a_limiter_may_be_shared_by_loops() -> None:
    clock = Clock()
    limiter = spent("1/second", clock)
    (here,) = await lined_up(limiter, 1)
    there = asyncio.create_task(
        asyncio.to_thread(lambda: asyncio.run(limiter.aacquire("ana")).allowed)
    )
    while in_line(limiter, "ana") < 2:
        await asyncio.sleep(0.001)

    clock.advance(1)
    assert await asyncio.wait_for(here, 10)
    clock.advance(1)

    assert await asyncio.wait_for(there, 10)
