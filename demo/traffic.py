"""Sends the spike: every client from its own loopback address, at its own pace.

Bounded in count and time, and aimed at 127.0.0.1 only. Knows nothing of limits; it writes down
what it saw.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random

import aiohttp

from demo.plan import Cast, Group, Request
from demo.records import NO_ANSWER, GroupLog, Record

HOST = "127.0.0.1"
ANSWER_WITHIN = aiohttp.ClientTimeout(total=30)


async def send_spike(
    casts: Sequence[Cast],
    ports: Mapping[str, int],
    logs: Mapping[tuple[str, str], GroupLog],
    *,
    seconds: float,
) -> None:
    """Lets every client of every cast send what its group sends.

    Args:
        casts: who sends.
        ports: where each application listens, by its name.
        logs: where the records go, by application and group; filled while the spike runs.
        seconds: when to stop sending. Answers are still waited for.
    """
    async with AsyncExitStack() as stack:
        start_ns = time.monotonic_ns()
        workers = []
        for cast in casts:
            for index in range(cast.clients):
                address = cast.address(index)
                session = await stack.enter_async_context(_session(address, cast.group))
                client = _Client(
                    address,
                    cast.group,
                    session,
                    url=f"http://{HOST}:{ports[cast.app]}",
                    log=logs[cast.app, cast.group.name],
                    end_ns=start_ns + int(seconds * 1e9),
                )
                times = cast.group.times(seconds, index / cast.clients)
                plan = iter([start_ns + int(at * 1e9) for at in times])
                workers += [client.work(plan) for _ in range(cast.group.connections)]
        await asyncio.gather(*workers)


def _session(address: str, group: Group) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(local_addr=(address, 0), limit=group.connections)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=ANSWER_WITHIN
    )


class _Client:
    """One address, its connections, and what it saw."""

    def __init__(
        self,
        address: str,
        group: Group,
        session: aiohttp.ClientSession,
        *,
        url: str,
        log: GroupLog,
        end_ns: int,
    ) -> None:
        self._address = address
        self._group = group
        self._session = session
        self._url = url
        self._log = log
        self._end_ns = end_ns
        self._random = Random(address)

    async def work(self, plan: Iterator[int]) -> None:
        """Sends on one connection until the plan, which all connections share, is done.

        A connection carries one request at a time, so a slow answer delays what follows. A hurried
        client then sends at once until it is back on plan; another moves its plan.
        """
        delay_ns = 0
        for planned_ns in plan:
            due_ns = planned_ns + delay_ns
            if (wait_ns := due_ns - time.monotonic_ns()) > 0:
                await asyncio.sleep(wait_ns / 1e9)
            now_ns = time.monotonic_ns()
            if now_ns >= self._end_ns:
                return
            if not self._group.hurried:
                delay_ns = max(delay_ns, now_ns - planned_ns)
            self._log.add(self._address, await self._send(self._group.draw(self._random)))

    async def _send(self, request: Request) -> Record:
        sent_ns = time.monotonic_ns()
        try:
            async with self._session.request(
                request.method,
                self._url + request.path,
                headers=request.headers,
                json=request.json,
            ) as response:
                await response.read()
                status = response.status
        except (aiohttp.ClientError, asyncio.TimeoutError):
            status = NO_ANSWER
        return Record(sent_ns, time.monotonic_ns(), status)
