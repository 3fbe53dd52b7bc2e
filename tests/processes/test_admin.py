"""Applications that are asked while they run: the command `tidegate` against real workers."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
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


def test_the_monitor_ends_with_its_terminal(tmp_path: Path) -> None:
    with application("wsgi", tmp_path) as (port, file):
        ask_until_all_have_refused(port)
        ours, its = pty.openpty()
        termios.tcsetwinsize(its, (24, 80))
        # The first of a session to open a terminal owns it, as in a window that somebody closes.
        inside = ["sh", "-c", 'exec "$@" <"$0" >"$0"', os.ttyname(its)]
        command = [*inside, sys.executable, "-m", "tidegate", "monitor", "--config", str(file)]
        with subprocess.Popen(command, start_new_session=True) as monitor:
            try:
                shown = b""
                while b"busiest" not in shown:
                    assert select.select([ours], [], [], 20)[0], shown
                    shown += os.read(ours, 65536)
                os.close(its)
                os.close(ours)
                assert monitor.wait(20) == -signal.SIGHUP
            finally:
                monitor.kill()


def test_a_child_does_not_tell_its_parent_s_counts(tmp_path: Path) -> None:
    file = tmp_path / "tidegate.toml"
    file.write_text(CONFIG.format(socket=tmp_path / "t.sock"))
    code = """
import os, pathlib, subprocess, sys, time
from tidegate import load_gate
gate = load_gate(sys.argv[1])
def ask(count):
    for _ in range(count):
        gate.admit_wsgi({"REQUEST_METHOD": "GET", "PATH_INFO": "/work", "REMOTE_ADDR": "::1"})
ask(5)
child = os.fork()
ask(1 if child == 0 else 0)
if child == 0:
    sys.stdin.read()
    os._exit(0)
while len(list(pathlib.Path(sys.argv[1]).parent.glob("t.*.sock"))) < 2:
    time.sleep(0.01)
print(child, flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", code, str(file)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        stats: Any = json.loads(tidegate(file, "monitor", "--json"))
        assert sorted(stats["workers"]) == sorted([parent.pid, child])
        assert stats["requests"] == 6


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
