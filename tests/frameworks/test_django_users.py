"""Limits by user, in every order of middlewares; stores in servers; start-up."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.frameworks.django_served import Client, served
from tests.serving import ROOT
from tests.stores.servers import Redis

Pair = tuple[str, bool]
BOTH = [("gunicorn", False), ("uvicorn", False), ("gunicorn", True), ("uvicorn", True)]
NAMES = ["gunicorn-newest", "uvicorn-newest", "gunicorn-oldest", "uvicorn-oldest"]


@contextmanager
def signed_in(port: int, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
        assert browser.get("/sign-in/", params={"name": name}).text == "welcome"
        yield browser


def statuses(browser: httpx.Client, path: str, times: int) -> list[int]:
    return [browser.get(path).status_code for _ in range(times)]


@pytest.mark.shows("django", "per-user limits")
@pytest.mark.parametrize("order", ["first", "last", "sync"])
@pytest.mark.parametrize("pair", BOTH, ids=NAMES)
def test_users_are_counted_each_by_himself(
    pair: Pair, order: str, django_database: Callable[[bool], str]
) -> None:
    setting = {"default": "3/hour", "key": "user", "exempt": ["/sign-in/"]}
    database = django_database(pair[1])
    with served(pair, setting, order=order, TIDEGATE_TEST_DATABASE=database) as port:
        with signed_in(port, "ana") as ana, signed_in(port, "boss") as boss:
            assert statuses(ana, "/", 4) == [200, 200, 200, 429]
            assert statuses(boss, "/async/", 4) == [200, 200, 200, 429]
            assert statuses(boss, "/", 1) == [200]
            for path in ("/by-user/", "/by-user-async/"):
                assert statuses(ana, path, 3) == [200, 200, 429]
                assert statuses(boss, path, 3) == [200, 200, 429]
        # Who is not signed in counts by address.
        assert Client(port).statuses("/", 4) == [200, 200, 200, 429]
        assert Client(port).statuses("/by-user/", 3) == [200, 200, 429]


@pytest.mark.parametrize("pair", BOTH, ids=NAMES)
def test_an_application_wide_limit_by_user(
    pair: Pair, django_database: Callable[[bool], str]
) -> None:
    setting = {"limit": "4/hour", "key": "user", "exempt": ["/sign-in/"]}
    database = django_database(pair[1])
    with (
        served(pair, setting, order="last", TIDEGATE_TEST_DATABASE=database) as port,
        signed_in(port, "ana") as ana,
        signed_in(port, "boss") as boss,
    ):
        paths = ["/", "/items/1/", "/missing/", "/async/", "/"]
        assert [ana.get(path).status_code for path in paths] == [200, 200, 404, 200, 429]
        assert boss.get("/").status_code == 200


@pytest.mark.parametrize("order", ["zipped", "unzipped"])
@pytest.mark.parametrize("pair", BOTH[:2], ids=NAMES[:2])
def test_compression_changes_nothing_in_either_order(pair: Pair, order: str) -> None:
    with served(pair, {"default": "2/hour", "key": "ip"}, order=order) as port:
        client = Client(port)
        answers = [client.ask("/told/", accept_encoding="identity") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]


@pytest.mark.parametrize("pair", BOTH, ids=NAMES)
def test_without_the_middleware_decorators_limit_and_show_their_fields(pair: Pair) -> None:
    with served(pair, {}, order="without") as port:
        client = Client(port)
        answers = [client.ask("/alimited/") for _ in range(3)]

        assert [answer.status for answer in answers] == [200, 200, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert client.statuses("/limited/", 3) == [200, 200, 429]
        assert client.statuses("/whole/", 3) == [200, 200, 429]
        assert client.statuses("/awhole/", 3) == [200, 200, 429]
        assert client.statuses("/", 9) == [200] * 9


@pytest.mark.parametrize("pair", BOTH[:2], ids=NAMES[:2])
def test_workers_share_their_counts_in_redis(pair: Pair, redis: Redis) -> None:
    setting = {
        "limit": "20/hour",
        "default": "5/hour",
        "key": "ip",
        "store": redis.fresh(f"shared-{pair[0]}") + "&timeout=5s",
    }
    with (
        served(pair, setting, workers=2) as port,
        ThreadPoolExecutor(8) as threads,
    ):
        client = Client(port)
        answers = list(threads.map(lambda _: client.ask("/").status, range(60)))
        other = list(threads.map(lambda _: client.ask("/limited/").status, range(10)))

    # Of 60, the first 20 have passed the application, and 5 of those the view.
    assert sorted(answers) == [200] * 5 + [429] * 55
    assert sorted(other) == [429] * 10


def test_a_store_that_hangs_keeps_nobody_else_waiting() -> None:
    own = Redis()
    own.start()
    setting = {"default": "5/hour", "key": "ip", "store": own.fresh("hangs") + "&timeout=50s"}
    try:
        with served(("uvicorn", False), setting) as port:
            assert Client(port).ask("/async/").status == 200
            own.freeze()
            answers: list[int] = []
            asking = threading.Thread(target=lambda: answers.extend(_all_kinds(port)))
            asking.start()
            # The one worker's loop serves others while that request waits for the store.
            assert Client(port).statuses("/free/", 5) == [200] * 5
            assert answers == []
            own.thaw()
            asking.join(40)
            assert answers == [200, 200]
    finally:
        own.close()


def _all_kinds(port: int) -> list[int]:
    client = Client(port)
    return [client.ask("/async/").status, client.ask("/alimited/").status]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"default": "5/minte", "key": "ip"}, "tidegate.E004"),
        ({"defualt": "5/minute"}, "did you mean 'default'"),
        ({"default": "5/minute"}, "tidegate.E005"),
        ({"limit": "5/m", "key": "ip", "on_breach": "no.where"}, "tidegate.E003"),
    ],
)
@pytest.mark.parametrize("server", ["gunicorn", "uvicorn"])
def test_a_wrong_setting_ends_the_start(server: str, setting: dict[str, Any], said: str) -> None:
    app = "tests.frameworks.apps_django:" + ("wsgi_app()" if server == "gunicorn" else "asgi_app")
    options = ["--bind", "127.0.0.1:0"] if server == "gunicorn" else ["--factory", "--port", "0"]
    run = subprocess.run(
        [sys.executable, "-m", server, *options, app],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "DJANGO_SETTINGS_MODULE": "tests.frameworks.django_settings",
            "TIDEGATE_TEST_SETTING": json.dumps(setting),
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert run.returncode != 0
    assert said in run.stderr
