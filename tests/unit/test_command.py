"""The program `tidegate`, as the package installs it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tidegate
from tidegate._command import main

LINE = b'203.0.113.7 - - [26/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5\n'


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tidegate", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_it_has_the_version_of_the_package(tmp_path: Path) -> None:
    ran = run("--version", folder=tmp_path)

    assert (ran.returncode, ran.stdout) == (0, f"tidegate {tidegate.__version__}\n")


def test_answers_and_statuses_are_those_of_the_program(tmp_path: Path) -> None:
    ran = run("--json", "test", "api", "k", "--limit", "2/hour", "-n", "3", folder=tmp_path)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert [it["allowed"] for it in json.loads(ran.stdout)["decisions"]] == [True, True, False]

    ran = run("check", folder=tmp_path)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.startswith("tidegate: there is no configuration")
    assert run("nonsense", folder=tmp_path).returncode == 2


def test_the_program_can_be_called(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        assert main(["test", "api", "k\u00e9", "--limit", "2/hour", "-n", "1"]) == 0
    finally:
        signal.signal(signal.SIGINT, before)

    assert "1 of 1 requests of k\u00e9 allowed" in capfd.readouterr().out


def test_an_interrupt_ends_it(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tidegate", "simulate", "-", "--rule", "api:ip=100/minute"]
    with subprocess.Popen(words, cwd=tmp_path, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        # More than a pipe holds: when all of it is written, the program reads.
        process.stdin.write(LINE * 10_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)

        assert process.wait() == -signal.SIGINT


def test_the_doctor_is_told_of_routes_without_a_limit(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text("")
    (tmp_path / "tidegate.toml").chmod(0o644)
    (tmp_path / "shop.py").write_text("app = 5")

    def found(app: str, status: int) -> tuple[str, str]:
        ran = run("doctor", "--workers=1", f"--app={app}", "--json", folder=tmp_path)
        assert ran.returncode == status
        (finding,) = [it for it in json.loads(ran.stdout) if it["about"] == "routes"]
        return finding["level"], finding["message"]

    level, message = found("shop:app", 0)
    assert level == "skipped"
    assert "shop:app is a builtins.int, whose routes are not known" in message
    level, message = found("shop:nothing", 1)
    assert level == "problem"
    assert "--app shop:nothing cannot be imported: AttributeError" in message
