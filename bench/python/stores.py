"""What a check costs when its counts live on a server: Redis and PostgreSQL, private ones.

Prints one JSON object: notes, and figures by name, one for every round. Nanoseconds for a
check, but where the name ends otherwise: `commands`, `bytes` and `transactions` are counts.
The client keeps to one core and the servers to another, if there are two. Run by `./dev bench`.
"""

import argparse
import contextlib
import json
from collections.abc import Callable, Iterator

from bench.python import servers, stores_postgres, stores_redis
from bench.python.measure import pin
from bench.python.trips import Contender, in_rounds


class Stores:
    """Runs the scenarios, and collects their figures."""

    def __init__(self, rounds: int, moment_ns: int) -> None:
        self.rounds = rounds
        self.moment_ns = moment_ns
        self.figures: dict[str, list[float]] = {}
        self.notes: list[str] = []

    def measure(self, scenario: str, contenders: dict[str, Contender]) -> None:
        """Adds the figures of one scenario.

        `SCENARIO.CONTENDER` is by the wall clock; the same below `SCENARIO.cpu` and
        `SCENARIO.single`.
        """
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
