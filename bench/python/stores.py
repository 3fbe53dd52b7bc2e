"""What a check costs when its counts live on a server: Redis and PostgreSQL, private ones.

Prints one JSON object: notes, and figures by name, one for every round. Nanoseconds for a
check, but where the name ends otherwise: `commands`, `bytes` and `transactions` are counts.
The client keeps to one core and the servers to another, if there are two. Run by `./dev bench`.
"""

import argparse
import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from bench.python import servers, stores_postgres, stores_redis
from bench.python.measure import pin
from bench.python.trips import Contender, in_rounds
from tidegate import Limiter


class Stores:
    """Runs the scenarios, and collects their figures."""

    def __init__(self, rounds: int, moment_ns: int) -> None:
        self.rounds = rounds
        self.moment_ns = moment_ns
        self.figures: dict[str, list[float]] = {}
        self.notes: list[str] = []
        self.is_ours_there = self._is_ours_there()

    def measure(self, scenario: str, contenders: dict[str, Contender]) -> None:
        """Adds the figures of one scenario: `SCENARIO.CONTENDER` by the wall clock, and the
        same below `SCENARIO.cpu` and `SCENARIO.single`."""
        for kind, rows in in_rounds(contenders, self.rounds, self.moment_ns).items():
            place = scenario if kind == "wall" else f"{scenario}.{kind}"
            for name, row in rows.items():
                self.figures[f"stores.{place}.{name}"] = row

    @contextlib.contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Says why something could not be measured, and goes on."""
        try:
            yield
        except servers.MissingServerError as error:
            self.notes.append(f"{what} was not measured: {error}")

    def _is_ours_there(self) -> bool:
        make: Any = Limiter
        try:
            make("1/day", store="redis://127.0.0.1:1", on_store_error="local", lease="1s")
        except (TypeError, ValueError):
            self.notes.append("tidegate's remote stores were not measured: this one has none")
            return False
        return True


def event_loops() -> dict[str, asyncio.AbstractEventLoop]:
    """Returns a new loop of each kind: asyncio's own, and uvloop's."""
    import uvloop  # type: ignore[import-not-found]  # noqa: PLC0415 - not on every platform

    return {"asyncio": asyncio.new_event_loop(), "uvloop": uvloop.new_event_loop()}


def run(stores: Stores) -> None:
    """Runs all scenarios."""
    parts: dict[str, Callable[[Stores], None]] = {
        "Redis": stores_redis.run,
        "PostgreSQL": stores_postgres.run,
    }
    for what, part in parts.items():
        with stores.noting(what):
            part(stores)


def main() -> None:
    """Reads the arguments, and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--milliseconds", type=float, required=True, help="a contender and round")
    options = parser.parse_args()
    pin()
    stores = Stores(options.rounds, int(options.milliseconds * 1e6))
    run(stores)
    print(json.dumps({"figures": stores.figures, "notes": stores.notes}))


if __name__ == "__main__":
    main()
