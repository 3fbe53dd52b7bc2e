"""The scenarios on PostgreSQL that are called from Python.

Exchanges beside pipelined statements are measured in Rust: see `bench.store_engine`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg  # type: ignore[import-not-found]

from bench.python import servers, store_peers
from bench.python.store_peers import PER_DAY
from bench.python.trips import Contender, tasks
from tidegate import Limiter

if TYPE_CHECKING:
    from bench.python.stores import Stores

TASKS = 16
REFUSALS = 1000
# The server writes a line of its own now and then, so the quietest of several tries counts.
TRIES = 5
LIMIT = f"{PER_DAY}/day"

_TRACES = """
SELECT pg_current_wal_insert_lsn() - '0/0', pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""


def run(stores: Stores) -> None:
    """Runs all of them, on one server."""
    with servers.postgres() as url:
        many_tasks(stores, url)
        refusals(stores, url)


def many_tasks(stores: Stores, url: str) -> None:
    """16 tasks of one event loop, on 10 000 keys."""
    loop = asyncio.new_event_loop()
    call = loop.run_until_complete(store_peers.fluxlimit(url))
    if not loop.run_until_complete(call("user:0")):
        raise AssertionError("fluxlimit refuses what the scenario admits")
    limiter = Limiter(LIMIT, store=f"{url}?timeout=5s")
    contenders: dict[str, Contender] = {
        "fluxlimit": tasks(loop, call, TASKS),
        "tidegate": tasks(loop, limiter.acheck, TASKS),
    }
    stores.measure("postgres.tasks", contenders)


def refusals(stores: Stores, url: str) -> None:
    """What a thousand refused checks, each of them asked, leave behind.

    In bytes of the server's log, and in transaction ids.
    """
    limiter = Limiter("1/day", store=f"{url}?timeout=5s&recheck=0s", name="refused")
    if not limiter.allow("user:42") or limiter.allow("user:42"):
        raise AssertionError("the limit does not do what the scenario says")
    grown = [asyncio.run(_grown(limiter, url)) for _ in range(TRIES)]
    for name, column in zip(("bytes", "transactions"), zip(*grown, strict=True), strict=True):
        stores.figures[f"stores.postgres.refused.{name}"] = [float(min(column))]


async def _grown(limiter: Limiter, url: str) -> tuple[int, int]:
    connection = await asyncpg.connect(url)
    try:
        before = await connection.fetchrow(_TRACES)
        for _ in range(REFUSALS):
            if limiter.allow("user:42"):
                raise AssertionError("a check was admitted that should be refused")
        after = await connection.fetchrow(_TRACES)
    finally:
        await connection.close()
    return int(after[0] - before[0]), int(after[1] - before[1])
