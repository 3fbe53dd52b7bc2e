"""Several workers that count each by itself are told so by a real server's log."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.frameworks.servers import Connection, serve

SERVERS = [("gunicorn", "flask_app"), ("uvicorn", "fastapi_app"), ("hypercorn", "asgi_app")]


def warnings_of(server: str, app: str, workers: int, log: Path) -> list[str]:
    """What the application has said in the log after many requests from many connections."""
    with serve(server, app, workers=workers, log=log) as port:
        for _ in range(40):
            with closing(Connection(port)) as connection:
                assert connection.get("/").status == 200
    return [line for line in log.read_text().splitlines() if "memory://" in line]


@pytest.mark.parametrize(("server", "app"), SERVERS)
def test_each_of_two_workers_says_once_what_cures_it(server: str, app: str, tmp_path: Path) -> None:
    said = warnings_of(server, app, 2, tmp_path / "log")

    assert 1 <= len(said) <= 2
    for line in said:
        assert f"{server} runs this application in 2 workers" in line
        assert "shared://NAME" in line


@pytest.mark.parametrize(("server", "app"), SERVERS)
def test_one_worker_has_nothing_to_say(server: str, app: str, tmp_path: Path) -> None:
    assert warnings_of(server, app, 1, tmp_path / "log") == []
