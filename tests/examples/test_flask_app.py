"""The Flask application in `examples/` limits what it says it limits."""

import subprocess
import sys
from pathlib import Path

from examples.flask_app import create_app

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_it_asks_itself_and_prints_what_is_refused() -> None:
    lines = run("examples.flask_app")

    assert [line.partition(" of ")[0] for line in lines] == [
        "GET /: 60",
        "POST /login: 3",
        "GET /api/items/7: 30",
        "GET /api/report: 1",
        "GET /health/alive: 100",
    ]
    assert "Too fast: try again in 20 seconds." in lines[1]
    assert '"error":"slow down"' in lines[2]


def test_its_commands_run() -> None:
    said = run("flask", "--app", "examples.flask_app", "tidegate", "limits", "--path", "/login")
    checked = run("flask", "--app", "examples.flask_app", "tidegate", "check")

    assert said[0] == "POST /login  (site.login)"
    assert "3/minute; 20/hour" in said[1]
    assert checked == ["every route has a limit, or is exempt"]


def test_a_plan_says_how_much_a_customer_may_ask() -> None:
    client = create_app().test_client()
    fields = {"X-Api-Key": "test", "X-Plan": "gold"}

    statuses = [client.get("/api/report", headers=fields).status_code for _ in range(50)]

    assert statuses == [200] * 50
