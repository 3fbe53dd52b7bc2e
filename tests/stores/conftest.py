"""Servers for the tests: one of each kind for all, or one for a test that mistreats it."""

import itertools
from collections.abc import Iterator

import pytest

from tests.stores.servers import KINDS, Postgres, Redis, running

_numbers = itertools.count()


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, Redis | Postgres]]:
    """The servers that tests share; each is started by the first test that wants it."""
    started: dict[str, Redis | Postgres] = {}
    yield started
    for server in started.values():
        server.close()


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store: every test that takes it runs for each."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def server(kind: str, servers: dict[str, Redis | Postgres]) -> Redis | Postgres:
    """The shared server of this kind: look, but do not break."""
    if kind not in servers:
        servers[kind] = KINDS[kind]()
        servers[kind].start()
    return servers[kind]


@pytest.fixture
def store(server: Redis | Postgres) -> str:
    """The URL of a place that no other test uses, patient enough for a busy machine."""
    return f"{server.fresh(f't{next(_numbers)}')}&timeout=5s"


@pytest.fixture
def redis(servers: dict[str, Redis | Postgres]) -> Redis:
    """The shared Redis."""
    if "redis" not in servers:
        servers["redis"] = Redis()
        servers["redis"].start()
    found = servers["redis"]
    assert isinstance(found, Redis)
    return found


@pytest.fixture
def own(kind: str) -> Iterator[Redis | Postgres]:
    """A server of this kind for one test alone."""
    with running(kind) as server:
        yield server
