"""The demo itself: both servers, a short spike, and whether the verdict can fail.

Loopback only, and a few thousand requests.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from demo.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
SHORT = "2"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "demo", "--seconds", SHORT, *arguments]


def run(result: Path, *arguments: str) -> tuple[int, str, dict[str, Any]]:
    """Returns the exit status, what was written, and the JSON result."""
    done = subprocess.run(
        command("--json", str(result), *arguments),
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=50,
    )
    assert result.exists(), done.stdout
    return done.returncode, done.stdout, json.loads(result.read_text())


def groups_with_complaints(result: dict[str, Any]) -> set[tuple[str, str]]:
    return {(row["app"], row["group"]) for row in result["groups"] if row["complaints"]}


@contextmanager
def started(*arguments: str, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    # Whoever is started by a shell in the background ignores SIGINT, and hands that on; what is
    # handled here is at its default there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*prefix, *command(*arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield process
    finally:
        # Not SIGKILL: the demo is to stop its servers even when a test fails.
        process.terminate()
        process.communicate(timeout=20)


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """Reads lines up to the one that contains `wanted`, and returns them all."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if wanted in line:
            return seen
    pytest.fail(f"{wanted!r} was never written:\n{seen}")


def ports_in(text: str) -> list[int]:
    return [int(port) for port in re.findall(r"on port\s+(\d+)", text)]


def status(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def assert_all_closed(ports: list[int]) -> None:
    assert len(ports) == 2
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            status(port)


def test_protected_applications_hold_every_bound(tmp_path: Path) -> None:
    code, output, result = run(tmp_path / "result.json")

    assert (code, result["holds"]) == (0, True), output
    assert "The bounds hold" in output
    assert len(result["groups"]) == 10
    assert all(row["admitted"] > 0 for row in result["groups"])
    refused = {row["group"] for row in result["groups"] if row["refused"]}
    assert "abuser" in refused


def test_unprotected_applications_fail_the_verdict(tmp_path: Path) -> None:
    code, output, result = run(tmp_path / "result.json", "--broken", "unprotected")

    assert (code, result["holds"]) == (1, False), output
    assert "The bounds do NOT hold" in output
    caught = groups_with_complaints(result)
    floods = {
        (app, group)
        for app in ("fastapi", "flask")
        for group in ("burst", "abuser", "forger", "crawler")
    }
    assert caught >= {("fastapi", "abuser"), ("flask", "abuser")}
    # On a busy machine a burst takes so long that it fits; then that is said.
    untested = {tuple(reversed(name.split(" at "))) for name in result["untested"]}
    assert caught | untested == floods


def test_applications_that_believe_forged_headers_fail_the_verdict(tmp_path: Path) -> None:
    code, output, result = run(tmp_path / "result.json", "--broken", "gullible")

    assert (code, result["holds"]) == (1, False), output
    assert groups_with_complaints(result) == {("fastapi", "forger"), ("flask", "forger")}


def test_a_demo_that_is_stopped_takes_its_servers_along_even_in_the_background() -> None:
    # As a shell starts a job in the background of a script: deaf to Ctrl-C.
    with started(prefix=["sh", "-c", 'trap "" INT; exec "$@"', "sh"]) as process:
        ports = ports_in(read_until(process, "At most"))
        process.send_signal(signal.SIGTERM)
        output = read_until(process, "stopped")

        assert process.wait(20) == 130, output
        assert_all_closed(ports)


def test_keep_leaves_the_applications_running_until_they_are_stopped() -> None:
    with started("--keep") as process:
        output = read_until(process, "Ctrl-C stops them")
        ports = ports_in(output)

        assert [status(port) for port in ports] == [200, 200]
        assert all(f"url=http://127.0.0.1:{port}" in output for port in ports)

        process.send_signal(signal.SIGINT)

        assert process.wait(20) == 0, output
        assert_all_closed(ports)


def test_an_application_that_does_not_start_is_shown_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise SystemExit('the tide is out')\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))

    done = subprocess.run(
        command(),
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": path},
    )

    assert done.returncode == 2
    assert "the fastapi application exited: 1" in done.stdout
    assert "fastapi: the tide is out" in done.stdout


@pytest.mark.parametrize("seconds", ["1.9", "61", "nan", "ten"])
def test_a_spike_that_is_too_long_or_too_short_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--seconds", seconds])

    assert stopped.value.code == 2
    assert f"{seconds!r} is not a number of seconds from 2 to 60" in capsys.readouterr().err
