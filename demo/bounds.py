"""What theory allows a GCRA limiter to admit, given what one client sent and when.

Pure: records in, numbers out. Nothing here waits, asks a clock or assumes that a machine is fast.

The limit is L units per period P with a burst of B units; T = ceil(P / L) is the emission
interval and tau = B * T. A client knows only that the limiter decided request k at some time d_k
with `sent_k <= d_k <= received_k`, and decided it for the time that its clock showed: d_k, or up
to `CLOCK_LAG_NS` before. Every bound below holds for all such d, so a slow or noisy machine makes a
bound wider, never wrong. A lag only ever admits more: in any window W at most what fits into W and
the lag, since a refusal that a lag could explain is decided again without it.

All requests cost one unit and are alike, so only the order of the decision times matters, not
whose they are. If each d_k lies in its interval, then the k-th smallest d lies between the k-th
smallest `sent` and the k-th smallest `received`. Both are therefore sorted on their own, which
makes concurrent requests no harder than consecutive ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from demo.records import ADMITTED, REFUSED, Record

SECOND_NS = 1_000_000_000

# How far the clock of a limit that takes a second or more to fill may lag behind.
CLOCK_LAG_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """The limit that a client is held to.

    `burst` is B, in requests; `interval_ns` is T, in nanoseconds; the clock that decides lags by at
    most `lag_ns`.
    """

    burst: int
    interval_ns: int
    lag_ns: int = 0

    @classmethod
    def per_second(cls, limit: int) -> Quota:
        """Returns `limit` per second with a burst of the same size, which is the default."""
        return cls(burst=limit, interval_ns=-(-SECOND_NS // limit), lag_ns=CLOCK_LAG_NS)

    def fits(self, window_ns: int) -> int:
        """Returns the most that any interval of `window_ns` can admit: B + floor((W + lag) / T)."""
        return self.burst + (window_ns + self.lag_ns) // self.interval_ns


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one client fared against theory. `complaint` is `None` when every bound holds."""

    sent: int
    admitted: int
    at_least: int
    at_most: int
    complaint: str | None


def judge(quota: Quota, records: Sequence[Record]) -> Judgement:
    """Compares what one client got with every bound.

    Args:
        quota: the limit; the client's bucket was full when it sent its first request.
        records: all requests of that client, in any order.
    """
    admitted = [record for record in records if record.status == ADMITTED]
    odd = sum(record.status not in (ADMITTED, REFUSED) for record in records)
    low, high = at_least(quota, records), at_most(quota, records)
    complaint = None
    if odd:
        complaint = f"{odd} of {len(records)} requests were answered by neither 200 nor 429"
    elif len(admitted) > high:
        complaint = f"{len(admitted)} requests were admitted, and at most {high} fit"
    elif len(admitted) < low:
        complaint = f"{len(admitted)} requests were admitted, and at least {low} had a right to be"
    elif crowd := crowded(quota, admitted):
        complaint = str(crowd)
    return Judgement(len(records), len(admitted), low, high, complaint)


def at_most(quota: Quota, records: Sequence[Record]) -> int:
    """Returns the most that can have been admitted.

    That is B + floor((W + lag) / T), with W from the first request sent to the last answer
    received, or all requests if they were fewer.
    """
    if not records:
        return 0
    first = min(record.sent_ns for record in records)
    last = max(record.received_ns for record in records)
    return min(len(records), quota.fits(last - first))


def at_least(quota: Quota, records: Sequence[Record]) -> int:
    """Returns the least that can have been admitted, whenever the decisions fell.

    A full bucket admits the first min(n, B) of n requests. Beyond that, this picks a subset that
    conforms to the limit for every possible d, and a limiter that admits whatever it can never
    admits fewer than a conforming subset holds:

        latest = upper bound of the theoretical arrival time of the picked requests
        pick k if   max(latest, sent_k) + T - sent_k <= tau     (worst case: d_k = sent_k)
        then        latest = max(latest, received_k) + T        (worst case: d_k = received_k)

    The claim about subsets, with a(t) for what was admitted so far and b(t) for the level of the
    bucket: a >= a_subset and a + b >= a_subset + b_subset hold at the start and survive each step.
    Refilling can only break the second by filling the limiter's bucket to the brim, and no subset
    has more than that; and where the subset admits and the limiter cannot, b < 1 <= b_subset
    forces a > a_subset.
    """
    burst_ns = quota.burst * quota.interval_ns
    latest = picked = 0
    for sent, received in _sorted_ends(records):
        if max(latest, sent) + quota.interval_ns - sent <= burst_ns:
            latest = max(latest, received) + quota.interval_ns
            picked += 1
    return max(picked, min(len(records), quota.burst))


@dataclass(frozen=True, slots=True)
class Crowd:
    """An interval that certainly admitted more than it can hold."""

    admitted: int
    fits: int
    window_ns: int

    def __str__(self) -> str:
        seconds = self.window_ns / SECOND_NS
        return (
            f"{self.admitted} requests were admitted within {seconds:.3f} s, where {self.fits} fit"
        )


def crowded(quota: Quota, admitted: Sequence[Record]) -> Crowd | None:
    """Finds the worst interval with more admissions than B + floor((W + lag) / T), if there is one.

    The i-th to the j-th decision lie between the i-th smallest `sent` and the j-th smallest
    `received`. So for every i <= j:

        j - i + 1 <= B + floor((received_j - sent_i + lag) / T)

    For each j the worst i is the one with the greatest `sent_i - i * T`, which is carried along.
    """
    worst: Crowd | None = None
    start, start_sent = 0, None
    for index, (sent, received) in enumerate(_sorted_ends(admitted)):
        interval = quota.interval_ns
        if start_sent is None or sent - index * interval > start_sent - start * interval:
            start, start_sent = index, sent
        crowd = Crowd(index - start + 1, quota.fits(received - start_sent), received - start_sent)
        excess = crowd.admitted - crowd.fits
        if excess > 0 and (worst is None or excess > worst.admitted - worst.fits):
            worst = crowd
    return worst


def _sorted_ends(records: Sequence[Record]) -> list[tuple[int, int]]:
    sent = sorted(record.sent_ns for record in records)
    received = sorted(record.received_ns for record in records)
    return list(zip(sent, received, strict=True))
