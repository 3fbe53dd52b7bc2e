"""What the spike came to: one row per application and group, and a verdict in plain words.

Pure, like `bounds`: it knows nothing of terminals.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from demo.bounds import Quota, at_most, judge
from demo.records import ADMITTED, REFUSED, GroupLog

COMPLAINTS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One group at one application. Counts are requests, latencies milliseconds.

    `at_most` and `at_least` are sums over the group's clients; `at_least` is `None` while the
    spike runs. `complaints` says, for each client that broke a bound, which.
    """

    app: str
    group: str
    sent: int
    admitted: int
    refused: int
    at_least: int | None
    at_most: int
    median_ms: float
    p99_ms: float
    complaints: tuple[str, ...] = ()


def live_row(quota: Quota, log: GroupLog) -> Row:
    """Returns how a group fares so far: cheap enough to be made while the spike runs."""
    return _row(log, at_least=None, high=sum(at_most(quota, r) for r in log.clients.values()))


def final_row(quota: Quota, log: GroupLog) -> Row:
    """Returns how a group fared, with every client judged on its own.

    A client that got too much is not made up for by one that got too little.
    """
    judged = {client: judge(quota, records) for client, records in log.clients.items()}
    complaints = [f"{c}: {j.complaint}" for c, j in judged.items() if j.complaint is not None]
    if not judged:
        complaints.append("no client sent anything")
    return _row(
        log,
        at_least=sum(judgement.at_least for judgement in judged.values()),
        high=sum(judgement.at_most for judgement in judged.values()),
        complaints=tuple(f"{log.group} at {log.app}, {complaint}" for complaint in complaints),
    )


def _row(
    log: GroupLog, *, at_least: int | None, high: int, complaints: tuple[str, ...] = ()
) -> Row:
    latencies = log.latencies_ms()
    return Row(
        app=log.app,
        group=log.group,
        sent=log.total,
        admitted=log.count(ADMITTED),
        refused=log.count(REFUSED),
        at_least=at_least,
        at_most=high,
        median_ms=median(latencies) if latencies else 0.0,
        p99_ms=latencies[len(latencies) * 99 // 100] if latencies else 0.0,
        complaints=complaints,
    )


def holds(rows: Iterable[Row]) -> bool:
    """Says whether every client of every group got what theory allows."""
    return not any(row.complaints for row in rows)


def verdict(rows: Sequence[Row]) -> str:
    """Returns the outcome in plain words."""
    complaints = [complaint for row in rows for complaint in row.complaints]
    if not complaints:
        sent, admitted = sum(row.sent for row in rows), sum(row.admitted for row in rows)
        return (
            f"The bounds hold: of {sent:,} requests {admitted:,} were admitted,\n"
            "and every client got as many as theory allows, neither more nor fewer."
        )
    shown = [f"  - {complaint}" for complaint in complaints[:COMPLAINTS_SHOWN]]
    if len(complaints) > COMPLAINTS_SHOWN:
        shown.append(f"  - and {len(complaints) - COMPLAINTS_SHOWN} more")
    clients = "1 client" if len(complaints) == 1 else f"{len(complaints)} clients"
    return "\n".join([f"The bounds do NOT hold, for {clients}:", *shown])


def untested(rows: Iterable[Row], floods: Collection[str]) -> list[str]:
    """Names the groups that were to send more than fits and did not, as on a very busy machine.

    Their bounds hold, but would hold without a limit too.

    Args:
        rows: the final rows.
        floods: names of the groups that were to.
    """
    return [
        f"{row.group} at {row.app}"
        for row in rows
        if row.group in floods and row.sent <= row.at_most
    ]


def as_json(
    rows: Sequence[Row], *, floods: Collection[str], limit: int, seconds: float
) -> dict[str, Any]:
    """Returns the same as plain data. `limit` is requests per second of one client."""
    return {
        "limit_per_second": limit,
        "seconds": seconds,
        "holds": holds(rows),
        "untested": untested(rows, floods),
        "groups": [asdict(row) for row in rows],
    }
