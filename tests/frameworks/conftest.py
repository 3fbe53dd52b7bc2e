"""What the frameworks' tests share: servers, databases, and notes of those that show a cell.

Which tests passed that show an ability of a framework goes into a file, of which
`scripts/frameworks_table.py` makes the table.
"""

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from frameworks_table import ABILITIES, FRAMEWORKS, VARIABLE
from tests.frameworks.versions import python_with
from tests.serving import ROOT
from tests.stores.servers import Redis

# Parts of one ability, each of which may be what a framework calls it.
PARTS = dict.fromkeys(("routers", "blueprints", "mounts"), "routers/blueprints/mounts")

Cell = tuple[str, str]
shown: pytest.StashKey[dict[Cell, dict[str, bool]]] = pytest.StashKey()


def cells(item: pytest.Item) -> Iterator[Cell]:
    """The cells of the table that a test shows."""
    for mark in item.iter_markers("shows"):
        framework, ability = mark.args
        ability = PARTS.get(ability, ability)
        if framework not in FRAMEWORKS or ability not in ABILITIES:
            raise pytest.UsageError(
                f"{item.nodeid} shows {framework!r}, {ability!r}: write one of "
                f"{', '.join(FRAMEWORKS)}, and one of {', '.join(ABILITIES)}"
            )
        yield framework, ability


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a mark that names no cell."""
    for item in items:
        for _ in cells(item):
            pass


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Notes an outcome. A test with several cases shows something when all of them pass."""
    report = yield
    noted = item.config.stash.setdefault(shown, defaultdict(dict))
    name = f"{item.location[0]}::{getattr(item, 'originalname', item.name)}"
    for cell in cells(item):
        noted[cell][name] = noted[cell].get(name, True) and report.passed
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes what was shown."""
    if target := os.environ.get(VARIABLE):
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        noted = session.config.stash.get(shown, {})
        Path(target).write_text(json.dumps(table(noted), indent=1))


def table(noted: dict[Cell, dict[str, bool]]) -> dict[str, dict[str, list[str]]]:
    """By framework and ability, the tests all of whose cases passed."""
    found: dict[str, dict[str, list[str]]] = {}
    for (framework, ability), outcomes in sorted(noted.items()):
        passed = sorted(name for name, is_passed in outcomes.items() if is_passed)
        if passed:
            found.setdefault(framework, {})[ability] = passed
    return found


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
