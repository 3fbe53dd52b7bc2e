"""What tests of Django ask for: a Redis, and databases with users."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.frameworks.versions import python_with
from tests.serving import ROOT
from tests.stores.servers import Redis


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A private Redis that these tests share."""
    server = Redis()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def django_database(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], str]:
    """Makes a database with users, once for each version; returns its path."""
    made: dict[bool, str] = {}

    def database(oldest: bool) -> str:
        if oldest not in made:
            path = tmp_path_factory.mktemp("django") / "database.sqlite3"
            _make(python_with("django", oldest=oldest), path)
            made[oldest] = str(path)
        return made[oldest]

    return database


def _make(python: str, path: Path) -> None:
    run = subprocess.run(
        [python, "-c", "from tests.frameworks.apps_django import make_database as make; make()"],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "DJANGO_SETTINGS_MODULE": "tests.frameworks.django_settings",
            "TIDEGATE_TEST_DATABASE": str(path),
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert run.returncode == 0, run.stderr
