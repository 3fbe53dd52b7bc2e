"""Applications that are asked while they run: the command `tidegate` against real workers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.processes.test_reload import KINDS, connected
from tests.serving import GUNICORN, serving

CONFIG = """
[admin]
socket = "{socket}"

[[rules]]
name = "work"
match = {{ path = "/work" }}
key = "ip"
limit = "3/hour"
"""
WORKERS = 2


@contextmanager
def application(kind: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Two workers with counts in their own memory; gives the port, and the configuration."""
    file = folder / "tidegate.toml"
    file.write_text(CONFIG.format(socket=folder / "t.sock"))

    def command(port: int) -> list[str]:
        options = ["--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"]
        return [*GUNICORN, *options, *KINDS[kind]]

    with serving(command, answering=WORKERS, environment={"TIDEGATE_TEST_FILE": str(file)}) as port:
        yield port, file


def tidegate(file: Path, *arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "tidegate", *arguments, "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def ask_until_all_have_refused(port: int) -> None:
    refusing: set[int] = set()
    for _ in range(200):
        with connected(port) as client:
            worker = client.about()["pid"]
            # The same connection, so the same worker.
            if any(client.get("/work")[0] == 429 for _ in range(4)):
                refusing.add(worker)
        if len(refusing) == WORKERS:
            return
    pytest.fail(f"only {refusing} have refused")


@pytest.mark.parametrize("kind", list(KINDS))
def test_keys_in_the_memory_of_workers_are_seen_and_reset(kind: str, tmp_path: Path) -> None:
    with application(kind, tmp_path) as (port, file):
        ask_until_all_have_refused(port)

        held: Any = json.loads(tidegate(file, "keys", "inspect", "127.0.0.1", "--json"))
        assert len({it["worker"] for it in held}) == WORKERS
        assert {(it["rule"], it["used"], it["remaining"], it["allowed"]) for it in held} == {
            ("work", 3, 0, False)
        }
        assert all(it["retry_after"] > 0 for it in held)

        told = tidegate(file, "keys", "reset", "127.0.0.1")
        assert told == "work: 127.0.0.1 begins anew, workers told: 2\n"
        with connected(port) as client:
            assert [client.get("/work")[0] for _ in range(4)] == [200, 200, 200, 429]

        screen = tidegate(file, "monitor", "--once", "--interval", "0.1")
        assert "2 workers" in screen
        assert "127.0.0.1" in screen
        assert "3/hour" in screen
        stats: Any = json.loads(tidegate(file, "monitor", "--json"))
        assert stats["config"]["file"] == str(file)
        assert stats["rules"][0]["refused"] >= WORKERS

    assert "nobody listens" in tidegate(file, "keys", "inspect", "127.0.0.1", status=4)


def test_the_command_ends_as_commands_do(tmp_path: Path) -> None:
    file = tmp_path / "tidegate.toml"
    file.write_text('[[rules]]\nname = "login"\nkey = "ip"\nlimit = "5/minute"\n')

    # Something was refused, which its status tells.
    assert tidegate(file, "test", "login", "203.0.113.7", "-n", "7", status=1) == ""
    assert (
        "tidegate"
        in subprocess.run(
            [Path(sys.executable).with_name("tidegate"), "--version"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    file.write_text('[[rules]]\nname = "login"\nkey = "ip"\nlimit = "5/minit"\n')
    assert "tidegate.toml:4:9" in tidegate(file, "show", status=3)
