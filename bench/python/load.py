"""What a limiter takes from the requests per second of a server under load.

Every application of `load_apps` is served by one worker of gunicorn or of uvicorn, a family at
once and on one core; wrk, on the other core if there is one, asks one after the other. Every round
starts the servers anew: where a process happens to lie in memory makes it faster or slower than
its like, by more than a limiter costs. `again` is served to show how much is left of that.
Prints one JSON object: notes, and figures by name, in nanoseconds for one request: of the clock,
and, with `.cpu` behind the name, of the server's processor. Run by `./dev bench`.
"""

import argparse
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from bench.python.load_apps import APP, FAMILIES, VARIABLE


@dataclass(frozen=True)
class Setting:
    """How a family is served, and what it is asked for."""

    server: str
    path: str


_GUNICORN = f"gunicorn {APP}() --bind 127.0.0.1:{{port}}"
_UVICORN = f"uvicorn {APP} --factory --port {{port}}"
# The small applications by the quickest way there is to serve them; those of the frameworks' own
# guides as the guides have it, with no option of ours: gunicorn's worker has no threads then, and
# uvicorn tells of each request.
SETTINGS = {
    "flask": Setting(f"{_GUNICORN} --log-level error -k gthread --threads 4", "/"),
    "flask-guide": Setting(_GUNICORN, "/"),
    "fastapi": Setting(f"{_UVICORN} --log-level error --no-access-log", "/"),
    "fastapi-guide": Setting(_UVICORN, "/items/5?q=somequery"),
}
CONNECTIONS = 16
# These count nothing, or do not say so; all others are seen counting before they are measured.
SILENT = ("bare", "again", "fields", "silent")
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))


class Served:
    """An application that is being served."""

    def __init__(self, url: str, process: int) -> None:
        self._url = url
        self._process = process

    def processor_seconds(self) -> float:
        """What the server and its workers have used."""
        return sum(map(_seconds, [self._process, *_children(self._process)]))

    def requests(self, seconds: float) -> int:
        """Asks for so long; returns how many requests were answered."""
        pinned = ["taskset", "-c", str(CORES[-1])] if len(CORES) > 1 else []
        wrk = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s"]
        said = subprocess.run(
            [*pinned, *wrk, self._url], check=True, capture_output=True, text=True
        )
        if "Non-2xx" in said.stdout or "Socket errors" in said.stdout:
            raise RuntimeError(said.stdout)
        found = re.search(r"(\d+) requests in", said.stdout)
        assert found is not None, said.stdout
        return int(found[1])


def main() -> None:
    """Serves everybody, and lets them take turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    # In this order they stand in the table.
    everybody = [f"load.{family}.{name}" for family in FAMILIES for name in FAMILIES[family][1]]
    figures: dict[str, list[float]] = {
        figure: [] for one in everybody for figure in (one, f"{one}.cpu")
    }
    for _ in range(options.rounds):
        for family, (_, limiters) in FAMILIES.items():
            ask_in_turn(family, tuple(limiters), options.seconds, figures)
    print(json.dumps({"notes": [], "figures": figures}))


def ask_in_turn(
    family: str, names: tuple[str, ...], seconds: float, figures: dict[str, list[float]]
) -> None:
    """Serves everybody of a family anew, and adds what was measured to the figures."""
    with ExitStack() as stack:
        # In another order each time: who is started or asked after whom is not always the same.
        served = {name: stack.enter_context(serve(family, name)) for name in _shuffled(names)}
        for one in served.values():
            one.requests(1)
        for name in _shuffled(names):
            one = served[name]
            clock, used = time.perf_counter(), one.processor_seconds()
            count = one.requests(seconds)
            spent = time.perf_counter() - clock
            used = one.processor_seconds() - used
            figure = f"load.{family}.{name}"
            figures[figure].append(spent / count * 1e9)
            figures[f"{figure}.cpu"].append(used / count * 1e9)


def _shuffled(names: tuple[str, ...]) -> list[str]:
    return random.sample(names, len(names))


@contextmanager
def serve(family: str, name: str) -> Iterator[Served]:
    """Serves one application on the first core."""
    port, setting = _free_port(), SETTINGS[family]
    url = f"http://127.0.0.1:{port}{setting.path}"
    server = setting.server.format(port=port).split()
    command = ["taskset", "-c", str(CORES[0]), sys.executable, "-m", *server]
    environment = {**os.environ, VARIABLE: f"{family}.{name}"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(port, process)
            if name not in SILENT:
                _check(name, url)
            yield Served(url, process.pid)
        finally:
            process.terminate()
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("a server did not start")


def _check(name: str, url: str) -> None:
    with urlopen(url, timeout=10) as response:
        limit, remaining = (response.headers[f"X-RateLimit-{it}"] for it in ("Limit", "Remaining"))
    if limit is None or not int(remaining) < int(limit):
        raise RuntimeError(f"{name} does not count: {remaining} of {limit} remain")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in listed.split()]


def _seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()
