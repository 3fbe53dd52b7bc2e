"""What one check costs when called from Python.

Prints one JSON object: notes, and figures by name, in nanoseconds for one key with the loop
around it subtracted, one for every round. Run by `./dev bench`.
"""

import argparse
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bare import Bare  # type: ignore[import-not-found]

from bench.python import peers
from bench.python.measure import Effort, Subject, each, each_awaited, each_batch, in_rounds, pin
from tidegate import ConfigError, Limiter

CHUNK = 1024
Figures = dict[str, list[float]]


class Calls:
    """Runs the scenarios, and collects their figures."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.figures: Figures = {}
        self.notes: list[str] = []

    def measure(
        self, scenario: str, subjects: dict[str, Subject], draw: Callable[[], list[str]]
    ) -> None:
        """Adds the figures of one scenario, without the loop itself."""
        rows = in_rounds({"loop": each("pass"), **subjects}, draw, self.effort)
        loop = rows.pop("loop")
        for name, row in rows.items():
            net = [figure - floor for figure, floor in zip(row, loop, strict=True)]
            self.figures[f"python.{scenario}.{name}"] = net

    def one_key(self, *, allowed: bool) -> None:
        """One key all the time, always allowed or always refused."""
        per_day = 1_000_000_000 if allowed else 1
        limiter = Limiter(f"{per_day}/day")
        bare = {"bare": each("bare.nothing(key)", bare=Bare())}
        subjects = {**bare, **self._ours(limiter), **peers.subjects(per_day)}
        if allowed:
            subjects["acheck"] = each_awaited("await limiter.acheck(key)", limiter=limiter)
        if limiter.allow("user:42") and limiter.allow("user:42") is not allowed:
            raise AssertionError("the limit does not do what the scenario says")
        self.measure("hot" if allowed else "refused", subjects, lambda: ["user:42"] * CHUNK)

    def many_keys(self, count: int, *, with_peers: bool) -> None:
        """So many keys at random, none of which is ever refused or forgotten."""
        per_day = max(1_000_000_000 // count, 1)
        limiter = Limiter(f"{per_day}/day", store=f"memory://?capacity={_room(count)}")
        subjects = {"bare": each("bare.nothing(key)", bare=Bare()), **self._ours(limiter)}
        others = peers.subjects(per_day) if with_peers else {}
        for subject in [subjects["allow"], *others.values()]:
            _fill(subject, count)
        self.measure(f"keys_{count}", subjects | others, lambda: _random_keys(count))

    def shared(self, count: int) -> None:
        """The same table in a file that other processes may map, against one of this process."""
        with _shared_url() as url:
            room = f"?capacity={_room(count)}"
            try:
                shared = Limiter("1000000000/day", store=url + room)
            except ConfigError as error:
                self.notes.append(f"shared:// was not measured: {error}")
                return
            memory = Limiter("1000000000/day", store="memory://" + room)
            subjects = {
                "memory": each("limiter.allow(key)", limiter=memory),
                "shared": each("limiter.allow(key)", limiter=shared),
            }
            name = "hot" if count == 1 else f"keys_{count}"
            for subject in subjects.values():
                _fill(subject, count)
            self.measure(f"shared.{name}", subjects, lambda: _random_keys(count))

    def _ours(self, limiter: Limiter) -> dict[str, Subject]:
        subjects = {
            "allow": each("limiter.allow(key)", limiter=limiter),
            "check": each("limiter.check(key)", limiter=limiter),
        }
        for name in ("allow_many", "check_many"):
            if hasattr(limiter, name):
                subjects[name] = each_batch(f"limiter.{name}(keys)", limiter=limiter)
            else:
                self.note(f"{name} was not measured: this tidegate has no such method")
        return subjects

    def note(self, text: str) -> None:
        """Says once why something is missing."""
        if text not in self.notes:
            self.notes.append(text)


def _random_keys(count: int) -> list[str]:
    # Written anew each time, as a request's key is: its text is in the cache, and its hash not.
    return [f"user:{int(random.random() * count)}" for _ in range(CHUNK)]


def _fill(subject: Subject, count: int) -> None:
    for start in range(0, count, CHUNK):
        subject([f"user:{number}" for number in range(start, min(start + CHUNK, count))])


def _room(count: int) -> int:
    return max(count * 8 // 5, 1 << 18)


@contextmanager
def _shared_url() -> Iterator[str]:
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="tidegate-bench-", dir=memory if memory.is_dir() else None)
    try:
        yield f"shared://{folder}/counts"
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Runs all scenarios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--milliseconds", type=float, required=True, help="a subject and round")
    parser.add_argument("--keys", type=int, nargs="*", default=[], help="for everybody")
    parser.add_argument("--own-keys", type=int, nargs="*", default=[], help="for tidegate alone")
    options = parser.parse_args()
    pin()
    calls = Calls(Effort(options.rounds, int(options.milliseconds * 1e6)))
    calls.one_key(allowed=True)
    calls.one_key(allowed=False)
    for count in options.keys:
        calls.many_keys(count, with_peers=True)
    for count in options.own_keys:
        calls.many_keys(count, with_peers=False)
    for count in (1, 100_000):
        calls.shared(count)
    print(json.dumps({"figures": calls.figures, "notes": calls.notes}))


if __name__ == "__main__":
    main()
