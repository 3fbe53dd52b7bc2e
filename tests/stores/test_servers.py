"""One limit for all workers of a web server, counted by a store in a server: real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.serving import GUNICORN, UVICORN, Crowd, serving
from tests.stores.servers import Postgres, Redis

APPS = ["fastapi", "flask"]
# What the application itself asks before it is served.
SPENT = {"fastapi": 0, "flask": 1}
WORKERS = 2
LIMIT, OWN_LIMIT, REQUESTS = 100, 10, 400


@contextmanager
def served(app: str, store: str) -> Iterator[int]:
    """Serves an application of `apps` by two workers; gives the port."""
    target = f"tests.stores.apps:{app}_app"
    environment = {
        "TIDEGATE_TEST_STORE": store,
        "TIDEGATE_TEST_LIMIT": f"{LIMIT}/day",
        "TIDEGATE_TEST_OWN_LIMIT": f"{OWN_LIMIT}/day",
    }

    def command(port: int) -> list[str]:
        workers = ["--workers", str(WORKERS)]
        if app == "fastapi":
            return [*UVICORN, *workers, "--host", "127.0.0.1", "--port", str(port), target]
        options = [*workers, "--preload", "--threads", "4", "--bind", f"127.0.0.1:{port}"]
        return [*GUNICORN, *options, f"{target}()"]

    with serving(command, answering=WORKERS, environment=environment) as port:
        yield port


@pytest.mark.parametrize("app", APPS)
def test_two_workers_admit_exactly_the_limit(server: Redis | Postgres, app: str) -> None:
    if isinstance(server, Redis):
        store = f"{server.tcp_url}?prefix={app}:&timeout=5s"
    else:
        store = f"{server.fresh(f'served_{app}')}&timeout=5s"
    with served(app, store) as port:
        own = Crowd(port).ask(40, "/own")
        crowd = Crowd(port).ask(REQUESTS)

    assert own.statuses[200] == OWN_LIMIT
    expected = LIMIT - SPENT[app] - 40
    assert crowd.statuses == {200: expected, 429: REQUESTS - expected}
    assert len(crowd.workers | own.workers) == WORKERS
    assert own.broken == crowd.broken == 0


@pytest.mark.parametrize("app", APPS)
def test_workers_go_on_while_the_store_is_away(own: Redis | Postgres, app: str) -> None:
    with served(app, own.fresh("away") + "&timeout=100ms&local_share=0.5") as port:
        before = Crowd(port).ask(8)
        own.stop()
        during = Crowd(port).ask(REQUESTS)

    assert before.statuses == {200: 8}
    # Half of the limit for each worker, and nothing but answers.
    assert set(during.statuses) == {200, 429}
    assert during.broken == 0
    assert during.statuses[200] <= LIMIT
