"""The Django project in `examples/` limits what it says it limits."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "examples.django_app", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_it_asks_itself_and_prints_what_is_refused() -> None:
    lines = run("ask").stdout.splitlines()

    assert [line.partition(" of ")[0] for line in lines] == [
        "GET /: 60",
        "POST /log-in/: 3",
        "GET /items/7/: 30",
        "GET /alive/: 100",
    ]
    assert '{"wait": 20}' in lines[1]


def test_its_settings_pass_the_checks() -> None:
    done = run("check")

    assert "no issues" in done.stdout + done.stderr
