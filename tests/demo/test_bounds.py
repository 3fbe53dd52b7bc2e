"""The bounds of the demo's verdict, against a plain GCRA that is run over decision times.

The bounds see only when requests were sent and answered. Here the decision times between are
chosen freely, so that a bound that is wrong for any of them shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

import pytest

from demo.bounds import CLOCK_LAG_NS, Quota, at_least, at_most, crowded, judge
from demo.records import ADMITTED, NO_ANSWER, REFUSED, Record

QUOTA = Quota(burst=3, interval_ns=10)


def admit(quota: Quota, times: Sequence[int]) -> list[bool]:
    """Runs a token bucket over decision times, in their order; levels in units of time."""
    capacity = quota.burst * quota.interval_ns
    level, last = capacity, 0
    answers = {}
    for index in sorted(range(len(times)), key=lambda index: times[index]):
        level = min(capacity, level + times[index] - last)
        last = times[index]
        answers[index] = level >= quota.interval_ns
        if answers[index]:
            level -= quota.interval_ns
    return [answers[index] for index in range(len(times))]


def answered(intervals: Sequence[tuple[int, int]], admitted: Sequence[bool]) -> list[Record]:
    return [
        Record(sent, received, ADMITTED if yes else REFUSED)
        for (sent, received), yes in zip(intervals, admitted, strict=True)
    ]


def intervals(random: Random, count: int) -> list[tuple[int, int]]:
    """Draws requests that overlap a lot, little or not at all, some with very late answers."""
    span, slowness = random.choice([20, 100, 400]), random.choice([0, 3, 30, 200])
    sent = [random.randint(0, span) for _ in range(count)]
    return [(at, at + random.randint(0, slowness)) for at in sent]


def test_no_correct_limiter_is_accused_whatever_the_decision_times() -> None:
    random = Random(1)
    for _ in range(20_000):
        quota = Quota(burst=random.randint(1, 5), interval_ns=random.randint(1, 30))
        drawn = intervals(random, random.randint(1, 25))
        times = [random.randint(*interval) for interval in drawn]

        judgement = judge(quota, answered(drawn, admit(quota, times)))

        assert judgement.complaint is None, (quota, drawn, times, judgement)


def test_no_correct_limiter_is_accused_when_decisions_fall_on_the_ends() -> None:
    random = Random(2)
    for _ in range(300):
        drawn = intervals(random, 7)
        for times in itertools.product(*drawn):
            judgement = judge(QUOTA, answered(drawn, admit(QUOTA, times)))

            assert judgement.complaint is None, (drawn, times, judgement)


def test_bounds_are_exact_when_the_decision_times_are_known() -> None:
    random = Random(3)
    for _ in range(5_000):
        times = sorted(random.randint(0, 200) for _ in range(random.randint(1, 25)))
        answers = admit(QUOTA, times)
        records = answered([(at, at) for at in times], answers)

        assert at_least(QUOTA, records) == sum(answers)


@pytest.mark.parametrize("stolen", range(20))
def test_one_request_too_few_is_noticed_when_answers_are_quick(stolen: int) -> None:
    times = range(0, 200, 2)
    answers = admit(QUOTA, times)
    admitted = [index for index, yes in enumerate(answers) if yes]
    answers[admitted[stolen]] = False

    judgement = judge(QUOTA, answered([(at, at + 1) for at in times], answers))

    assert judgement.complaint is not None
    assert "had a right to be" in judgement.complaint


def test_one_request_too_many_is_noticed() -> None:
    times = [(at, at + 1) for at in range(0, 200, 2)]
    fits = 3 + 199 // 10
    too_many = [index < fits + 1 for index in range(len(times))]

    judgement = judge(QUOTA, answered(times, too_many))

    assert judgement.at_most == fits
    assert judgement.complaint == f"{fits + 1} requests were admitted, and at most {fits} fit"


def test_a_crowd_is_noticed_even_if_the_total_fits() -> None:
    # 8 at once in the middle of a long rest, where 3 fit.
    quiet = [(0, 1), (1_000, 1_001)]
    crowd = [(500, 505)] * 8
    records = answered(quiet + crowd, [True] * 10)

    judgement = judge(QUOTA, records)

    assert judgement.admitted <= judgement.at_most
    assert judgement.complaint == "8 requests were admitted within 0.000 s, where 3 fit"


def test_the_worst_interval_is_found_wherever_it_lies() -> None:
    random = Random(4)
    for _ in range(3_000):
        records = answered(drawn := intervals(random, random.randint(1, 12)), [True] * len(drawn))
        sent = sorted(record.sent_ns for record in records)
        received = sorted(record.received_ns for record in records)
        excesses = [
            last - first + 1 - QUOTA.fits(received[last] - sent[first])
            for first in range(len(sent))
            for last in range(first, len(sent))
        ]

        found = crowded(QUOTA, records)

        assert (found.admitted - found.fits if found else 0) == max(0, *excesses)


def test_somebody_who_stays_below_the_limit_has_a_right_to_everything() -> None:
    half_the_rate = [(at, at + 15) for at in range(0, 1_000, 20)]

    assert at_least(QUOTA, answered(half_the_rate, [True] * 50)) == 50


def test_requests_that_were_delayed_into_a_bunch_may_be_refused() -> None:
    # Sent at half the rate, but all answered at the end: they may have been decided at once.
    bunched = [(at, 1_000) for at in range(0, 1_000, 20)]

    assert at_least(QUOTA, answered(bunched, [False] * 50)) == 3


@pytest.mark.parametrize("status", [NO_ANSWER, 500, 404])
def test_an_answer_that_says_neither_yes_nor_no_fails(status: int) -> None:
    records = [Record(0, 1, ADMITTED), Record(100, 101, status)]

    complaint = judge(QUOTA, records).complaint

    assert complaint == "1 of 2 requests were answered by neither 200 nor 429"


def test_no_more_can_be_admitted_than_was_sent() -> None:
    assert at_most(QUOTA, answered([(0, 1), (900, 901)], [True, True])) == 2


def test_nothing_sent_is_nothing_expected() -> None:
    assert (at_least(QUOTA, []), at_most(QUOTA, []), crowded(QUOTA, [])) == (0, 0, None)


def test_a_rate_that_does_not_divide_a_second_is_rounded_to_the_safe_side() -> None:
    assert Quota.per_second(3) == Quota(3, interval_ns=333_333_334, lag_ns=CLOCK_LAG_NS)


def test_a_clock_that_lags_admits_what_comes_back_in_that_time() -> None:
    lagging = Quota(QUOTA.burst, QUOTA.interval_ns, lag_ns=25)
    # Three at once, two more of the 25 ns that the clock had not shown yet, and one too many.
    crowd = [(0, 0)] * 3 + [(1, 1)] * 3

    assert judge(lagging, answered(crowd[:5], [True] * 5)).complaint is None
    assert judge(lagging, answered(crowd, [True] * 6)).complaint
    assert judge(QUOTA, answered(crowd[:5], [True] * 5)).complaint
