"""The lines of those who wait: order, bookkeeping, and what a fork leaves behind."""

import os

import pytest

from tidegate._line import Lines, Place


def place(cost: int = 1) -> tuple[Place, list[bool]]:
    woken: list[bool] = []
    return Place(cost, lambda: woken.append(True)), woken


def test_the_first_is_first_and_the_next_is_woken_when_it_leaves() -> None:
    lines = Lines()
    (first, _), (second, woken) = place(), place()
    lines.join("ana", first)
    lines.join("ana", second)

    before = (first.is_first, second.is_first, len(woken))
    lines.leave("ana", first)

    assert before == (True, False, 0)
    assert (second.is_first, len(woken)) == (True, 1)


def test_joining_tells_what_those_ahead_want() -> None:
    lines = Lines()
    places = [place(cost)[0] for cost in (3, 4, 5)]

    assert [lines.join("ana", one) for one in places] == [0, 3, 7]
    assert lines.first_cost("ana") == 3
    lines.leave("ana", places[1])
    assert lines.join("ana", place()[0]) == 8


def test_one_who_leaves_from_the_middle_wakes_nobody() -> None:
    lines = Lines()
    (first, again), (second, _), (third, woken) = place(), place(), place()
    for one in (first, second, third):
        lines.join("ana", one)

    lines.leave("ana", second)

    assert (third.is_first, woken, again) == (False, [], [])


def test_a_line_is_gone_when_the_last_has_left() -> None:
    lines = Lines()
    (first, _), (second, _) = place(), place()
    lines.join("ana", first)
    lines.join("bob", second)

    lines.leave("ana", first)
    lines.leave("bob", second)
    lines.leave("bob", second)

    assert len(lines) == 0
    assert lines.is_empty("ana")


def test_a_closed_event_loop_does_not_disturb_who_leaves() -> None:
    def closed() -> None:
        raise RuntimeError("Event loop is closed")

    lines = Lines()
    first, second = place()[0], Place(1, closed)
    lines.join("ana", first)
    lines.join("ana", second)

    lines.leave("ana", first)

    assert second.is_first


def test_in_a_forked_process_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines()
    lines.join("ana", place()[0])
    monkeypatch.setattr(os, "getpid", lambda: -1)
    mine = place()[0]

    ahead = lines.join("ana", mine)

    assert (ahead, mine.is_first) == (0, True)
