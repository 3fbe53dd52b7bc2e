"""The scenarios on Redis."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import redis  # type: ignore[import-not-found]

from bench.python import servers, store_peers, wire
from bench.python.measure import Effort, each, in_rounds
from bench.python.store_peers import PER_DAY
from bench.python.trips import Contender, event_loops, lone, plain, repeated, tasks
from tidegate import Limiter

if TYPE_CHECKING:
    from bench.python.stores import Stores

TASKS = 64
BATCH = 64
SCRIPT_CALLS = ("eval", "evalsha")
LIMIT = f"{PER_DAY}/day"


def run(stores: Stores) -> None:
    """Runs all of them, on one server."""
    with servers.redis() as port:
        scenarios = Scenarios(stores, port)
        scenarios.one_caller()
        for hot in (False, True):
            scenarios.many_tasks(hot=hot)
        scenarios.known_denial()
        scenarios.lease()


class Scenarios:
    """One server, and who is measured on it."""

    def __init__(self, stores: Stores, port: int) -> None:
        self.stores = stores
        self.port = port
        # A busy machine is not to be taken for an outage.
        self.url = f"redis://127.0.0.1:{port}?timeout=5s"

    def one_caller(self) -> None:
        """One thread, one check after the other, 10 000 keys."""
        peers = store_peers.waiting(self.port)
        _admit(peers)
        contenders = {name: lone(call) for name, call in peers.items()}
        contenders["raw"] = self._raw_caller()
        contenders["tidegate"] = lone(Limiter(LIMIT, store=self.url).allow)
        self.stores.measure("redis.one", contenders)

    def many_tasks(self, *, hot: bool) -> None:
        """64 tasks of one event loop, on 10 000 keys or all on one."""
        contenders: dict[str, Contender] = {}
        for kind, loop in event_loops().items():
            peers = loop.run_until_complete(_made(self.port))
            for name, call in peers.items():
                if not loop.run_until_complete(call("user:0")):
                    raise AssertionError(f"{name} refuses what the scenario admits")
                contenders[f"{kind}.{name}"] = tasks(loop, call, TASKS, hot=hot)
            limiter = Limiter(LIMIT, store=self.url)
            contenders[f"{kind}.tidegate"] = tasks(loop, limiter.acheck, TASKS, hot=hot)
        if not hot:
            contenders |= self._ceilings()
        self.stores.measure("redis.hot" if hot else "redis.tasks", contenders)

    def known_denial(self) -> None:
        """A key that the server has refused, against one that the process itself refuses."""
        limiters = {
            "memory": Limiter("1/day"),
            # Long enough to be sure that nothing is asked meanwhile.
            "redis": Limiter("1/day", store=self.url + "&recheck=3600s", name="known"),
        }
        for limiter in limiters.values():
            if not limiter.allow("user:42") or limiter.allow("user:42"):
                raise AssertionError("the limit does not do what the scenario says")
        before = self._commands()
        subjects = {
            f"{call}.{name}": each(f"limiter.{call}(key)", limiter=limiter)
            for name, limiter in limiters.items()
            for call in ("allow", "check")
        }
        # In processor time and without the loop, as other calls in process.
        effort = Effort(self.stores.rounds, self.stores.moment_ns // 10)
        rows = in_rounds({"loop": each("pass"), **subjects}, lambda: ["user:42"] * 1024, effort)
        loop = rows.pop("loop")
        for name, row in rows.items():
            net = [figure - floor for figure, floor in zip(row, loop, strict=True)]
            self.stores.figures[f"stores.redis.known.{name}"] = net
        sent = float(self._commands() - before)
        self.stores.figures["stores.redis.known.commands"] = [sent]

    def lease(self) -> None:
        """One caller on one key, who asks for each request, or pays in advance."""
        exact = Limiter(LIMIT, store=self.url, name="exact")
        leased = Limiter(LIMIT, store=self.url, name="leased", lease="1s")
        contenders = {"exact": plain(exact.allow), "lease": plain(leased.allow)}
        self.stores.measure("redis.lease", contenders)
        leased.close()

    def _raw_caller(self) -> Contender:
        raw, words = wire.Raw(self.port), self._words()
        commands = {
            f"user:{number}": wire.packed(wire.of_subject(words, f"user:{number}"))
            for number in range(10_000)
        }
        return lone(lambda key: raw.call(commands[key]))

    def _ceilings(self) -> dict[str, Contender]:
        """What the server can do, by calls of one ask each, and of 64 asks."""
        raw, words = wire.Raw(self.port), self._words()
        subjects = [wire.of_subject(words, f"user:{number}") for number in range(BATCH)]
        single = b"".join(wire.packed(words) for words in subjects)
        batch = wire.packed(wire.together(subjects))

        def pipelined(commands: bytes) -> Contender:
            def work() -> int:
                raw.pipeline(commands)
                return BATCH

            return repeated(work)

        return {"raw.single": pipelined(single), "raw.batch": pipelined(batch)}

    def _words(self) -> list[bytes]:
        # The server has to know the script.
        if not Limiter(LIMIT, store=self.url).allow("user:0"):
            raise AssertionError("tidegate refuses what the scenario admits")
        return wire.recorded(lambda url: Limiter(LIMIT, store=url).allow("user:0"))

    def _commands(self) -> int:
        """How many calls of scripts the server has had, all told."""
        stats = redis.Redis(port=self.port).info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in SCRIPT_CALLS)


async def _made(port: int) -> dict[str, store_peers.AsyncCall]:
    """Clients of an event loop are made within it."""
    await asyncio.sleep(0)
    return store_peers.awaited(port)


def _admit(calls: dict[str, store_peers.Call]) -> None:
    for name, call in calls.items():
        if not call("user:0"):
            raise AssertionError(f"{name} refuses what the scenario admits")
