"""`acquire`, in threads and with a clock that the test moves."""

import threading
import time
from datetime import timedelta

import pytest

from tests.unit.waiting import Waiter, in_line, until
from tidegate import Decision, Limiter
from tidegate.testing import Clock, frozen_clock


def spent(limit: str, clock: Clock, units: int = 1) -> Limiter:
    limiter = Limiter(limit, clock=clock)
    assert limiter.check("ana", cost=units)
    return limiter


def test_it_does_not_wait_when_there_is_quota() -> None:
    limiter = Limiter("2/minute", clock=Clock())

    assert limiter.acquire("ana", cost=2, timeout=0)
    assert in_line(limiter, "ana") == 0


def test_it_is_admitted_when_the_clock_has_moved_far_enough_and_not_before() -> None:
    clock = Clock()
    limiter = spent("1/minute", clock)
    done: list[str] = []

    waiter = Waiter(limiter, "ana", 1, done, "first")
    clock.advance(59.999)
    looked = limiter.peek("ana").allowed
    assert done == []
    clock.advance(0.001)

    assert waiter.join().allowed
    assert not looked
    assert not limiter.peek("ana")


@pytest.mark.parametrize("timeout", [29.9, timedelta(seconds=29.9), 0])
def test_a_wait_known_to_be_too_long_is_refused_at_once(timeout: float | timedelta) -> None:
    limiter = spent("2/minute", Clock(), 2)

    decision = limiter.acquire("ana", timeout=timeout)

    assert (decision.allowed, decision.reason, decision.retry_after) == (False, "limit", 30.0)
    assert in_line(limiter, "ana") == 0


@pytest.mark.parametrize("limit", ["2/minute", "0/minute"])
def test_what_can_never_pass_is_not_waited_for(limit: str) -> None:
    decision = Limiter(limit, clock=Clock()).acquire("ana", cost=3)

    assert (decision.allowed, decision.reason) == (False, "never")


def test_waiters_are_admitted_in_the_order_in_which_they_came() -> None:
    clock = Clock()
    limiter = spent("1/second", clock)
    done: list[str] = []
    waiters = [Waiter(limiter, "ana", 1, done, str(number)) for number in range(6)]

    for number in range(6):
        clock.advance(1)
        until(lambda number=number: len(done) == number + 1)  # type: ignore[misc]

    assert all(waiter.join() for waiter in waiters)
    assert done == ["0", "1", "2", "3", "4", "5"]
    assert len(limiter._lines) == 0


def test_a_cheap_waiter_does_not_overtake_a_dear_one() -> None:
    clock = Clock()
    limiter = spent("4/second", clock, 4)
    done: list[str] = []
    dear = Waiter(limiter, "ana", 4, done, "dear")
    cheap = Waiter(limiter, "ana", 1, done, "cheap")

    clock.advance(0.5)
    assert done == []
    clock.advance(0.5)
    assert dear.join()
    clock.advance(0.25)

    assert cheap.join()
    assert done == ["dear", "cheap"]


def test_one_who_cannot_wait_does_not_overtake_the_line_either() -> None:
    clock = Clock()
    limiter = spent("4/second", clock, 4)
    dear = Waiter(limiter, "ana", 4, [], "dear")
    clock.advance(0.5)

    # Two units are there, and would do.
    refused = limiter.acquire("ana", timeout=0)
    clock.advance(0.5)

    assert not refused
    assert dear.join()


def test_one_who_joins_a_line_that_is_too_long_is_refused_at_once() -> None:
    clock = Clock()
    limiter = spent("10/second", clock, 10)
    done: list[str] = []
    first = Waiter(limiter, "ana", 5, done, "first")

    # 0.5 s for those ahead and 0.1 s more; alone it would be 0.1 s.
    refused = limiter.acquire("ana", timeout=0.55)
    clock.advance(0.5)

    assert first.join()
    assert (refused.allowed, refused.retry_after) == (False, 0.6)


def test_one_whose_time_runs_out_in_line_is_refused_and_leaves() -> None:
    clock = Clock()
    limiter = spent("1/second burst 1", clock)
    done: list[str] = []
    first = Waiter(limiter, "ana", 1, done, "first")
    late: list[bool] = []
    # 2 units never fit at once, so only its own wait of 1 s is known.
    second = threading.Thread(
        target=lambda: late.append(limiter.acquire("ana", timeout=1.2).allowed), daemon=True
    )
    second.start()
    until(lambda: in_line(limiter, "ana") == 2)

    clock.advance(1)
    assert first.join()
    until(lambda: in_line(limiter, "ana") == 0)
    second.join(10)

    assert late == [False]
    assert limiter.peek("ana").retry_after == 1.0


def test_lines_of_different_keys_do_not_wait_for_each_other() -> None:
    clock = Clock()
    limiter = spent("1/minute", clock)
    waiter = Waiter(limiter, "ana", 1, [], "ana")

    assert limiter.acquire("bob", timeout=0)

    clock.advance(60)
    assert waiter.join()


def test_a_queue_delays_the_one_it_admits() -> None:
    clock = Clock()
    limiter = Limiter("leaky_bucket: 1/second queue 5s", clock=clock)
    assert limiter.acquire("ana").delay == 0
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.append(str(limiter.acquire("ana").delay)))
    thread.start()
    until(lambda: limiter.peek("ana").delay == 2.0)

    assert done == []
    clock.advance(1)
    thread.join(10)

    assert done == ["1.0"]


def test_a_queue_that_is_longer_than_the_timeout_is_a_refusal_that_takes_nothing() -> None:
    limiter = Limiter("leaky_bucket: 4/second queue 5s", name="mail", clock=Clock())
    for _ in range(4):
        assert limiter.check("ana")
    before = limiter.peek("ana").delay

    refused = limiter.acquire("ana", timeout=0.75)

    assert not refused
    assert (refused.rule, refused.key, refused.reason) == ("mail", "ana", "limit")
    assert refused.retry_after == before - 0.75
    assert limiter.peek("ana").delay == before


def test_a_place_that_others_made_too_late_in_between_is_given_back() -> None:
    class Blind(Limiter):
        def peek(self, key: str, *, cost: int = 1) -> Decision:
            return Limiter("9/second").peek(key, cost=cost)

    limiter = Blind("leaky_bucket: 4/second queue 5s", clock=Clock())
    for _ in range(4):
        assert limiter.check("ana")

    refused = limiter.acquire("ana", timeout=0.75)

    assert (refused.allowed, refused.retry_after) == (False, 0.25)
    assert limiter.check("ana").delay == 1.0


def test_one_interrupted_after_it_was_admitted_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    limiter = Limiter("leaky_bucket: 1/second queue 5s", clock=Clock())
    assert limiter.acquire("ana")
    monkeypatch.setattr(time, "sleep", interrupt)

    with pytest.raises(KeyboardInterrupt):
        limiter.acquire("ana")

    assert limiter.peek("ana").delay == 1.0


def test_the_default_clock_may_be_a_tests_too() -> None:
    limiter = Limiter("1/minute")
    with frozen_clock() as clock:
        assert limiter.allow("ana")
        waiter = Waiter(limiter, "ana", 1, [], "first")
        clock.advance(60)

        assert waiter.join()


def test_on_the_real_clock_it_sleeps_no_longer_than_it_must() -> None:
    limiter = Limiter("50/second burst 1")
    start = time.monotonic()

    admitted = [limiter.acquire("ana").allowed for _ in range(3)]

    assert admitted == [True, True, True]
    assert 0.04 <= time.monotonic() - start < 1


def test_an_interrupted_waiter_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    limiter = Limiter("1/minute")
    limiter.check("ana")
    monkeypatch.setattr(time, "sleep", interrupt)

    with pytest.raises(KeyboardInterrupt):
        limiter.acquire("ana")

    assert len(limiter._lines) == 0
