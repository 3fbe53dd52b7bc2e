"""`TideGate(config=...)` for Starlette and FastAPI: a file that describes limits, and changes."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route

from tests.frameworks.apps_config import hello
from tests.frameworks.servers import Connection, serve
from tidegate import ConfigError, fastapi
from tidegate.starlette import TideGate
from tidegate.testing import Clock

HEAD = 'trusted_proxies = 1\nheaders = "draft"\n'
# A window of a year, so that none ends during the test.
RULE = """
[[rules]]
name = "{name}"
key = "{key}"
limit = "fixed_window: {limit}/52w"
{more}
"""


class File:
    """A configuration file, changed as a whole."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tidegate.toml"

    def write(self, limit: str = "3", key: str = "ip", name: str = "all", more: str = "") -> None:
        new = self.path.with_suffix(".new.toml")
        new.write_text(HEAD + RULE.format(limit=limit, key=key, name=name, more=more))
        new.replace(self.path)


@pytest.fixture
def file(tmp_path: Path) -> File:
    file = File(tmp_path)
    file.write()
    return file


@pytest.fixture(params=["starlette_app", "fastapi_app"])
def served(request: pytest.FixtureRequest, file: File) -> Iterator[int]:
    app, module = request.param, "tests.frameworks.apps_config"
    with serve("uvicorn", app, module=module, TIDEGATE_TEST_FILE=str(file.path)) as port:
        yield port


class Client:
    """Asks as one client behind the proxy."""

    def __init__(self, port: int, address: str, **headers: str) -> None:
        self.port = port
        self.headers = {"X-Forwarded-For": address, **headers}

    def ask(self, path: str = "/") -> Any:
        with closing(Connection(self.port)) as connection:
            connection.client.request("GET", path, headers=self.headers)
            response = connection.client.getresponse()
            return response.status, response.headers, response.read().decode()

    def statuses(self, path: str = "/", times: int = 4) -> list[int]:
        return [self.ask(path)[0] for _ in range(times)]


def wait(is_so: Callable[[], bool]) -> None:
    """Waits until a worker has followed the file."""
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end, "it does not follow"
        time.sleep(0.05)


def test_a_file_describes_the_limits_of_the_application(served: int) -> None:
    client = Client(served, "203.0.113.7")

    assert client.statuses() == [200, 200, 200, 429]
    status, headers, body = client.ask("/nowhere")
    assert (status, headers["ratelimit-policy"][:5]) == (429, '"all"')
    assert "RateLimit" in headers
    assert "retry-after" in headers
    assert json.loads(body)["status"] == 429
    assert Client(served, "203.0.113.7", **{"X-Words": "1"}).ask()[2] == "all at /"
    # What is exempt is exempt from the file's rules too.
    assert client.statuses("/health") == [200] * 4
    # Limits in code believe whom the file says.
    assert Client(served, "203.0.113.8").statuses("/own", 2) == [200, 429]
    assert Client(served, "203.0.113.9").statuses("/own", 2) == [200, 429]


def test_the_file_is_followed(served: int, file: File) -> None:
    client = Client(served, "203.0.113.7")
    assert client.statuses() == [200, 200, 200, 429]

    file.write("5")
    wait(lambda: client.ask()[0] == 200)
    # What was used stays used.
    assert client.statuses(times=3) == [200, 429, 429]
    file.write("7oo")
    time.sleep(1)  # two looks
    assert client.statuses(times=1) == [429]
    file.write("6")
    wait(lambda: client.ask()[0] == 200)
    assert client.statuses(times=1) == [429]


def test_a_list_of_keys_is_followed(served: int, file: File) -> None:
    partners = file.path.parent / "partners.txt"
    partners.write_text("203.0.113.7\n")
    file.write("1", more='exempt = [{ file = "partners.txt" }]')
    old, new = Client(served, "203.0.113.7"), Client(served, "203.0.113.8")
    wait(lambda: old.statuses(times=2) == [200, 200])
    assert new.statuses(times=2) == [200, 429]

    partners.write_text("203.0.113.8 # in place of .7\n")
    wait(lambda: new.ask()[0] == 200)
    assert new.statuses() == [200] * 4
    wait(lambda: old.ask()[0] == 429)


def test_a_rule_may_come_to_need_the_user(served: int, file: File) -> None:
    ana = Client(served, "203.0.113.7", **{"X-User": "ana"})
    elsewhere = Client(served, "203.0.113.8", **{"X-User": "ana"})
    assert ana.statuses(times=1) == [200]

    file.write("2", key="user", name="user")
    wait(lambda: '"user"' in ana.ask("/nothing")[1]["ratelimit-policy"])
    bob = Client(served, "203.0.113.7", **{"X-User": "bob"})
    assert bob.statuses(times=3) == [200, 200, 429]
    assert [*elsewhere.statuses(times=2)][-1] == 429
    # And no longer.
    file.write("1", name="new")
    wait(lambda: '"new"' in bob.ask()[1]["ratelimit-policy"])
    assert Client(served, "203.0.113.9").statuses(times=2) == [200, 429]


def test_a_rule_may_come_to_count_routes(served: int, file: File) -> None:
    file.write("2", key="route", name="each")
    client = Client(served, "203.0.113.7")
    wait(lambda: '"each"' in client.ask("/health-care")[1]["ratelimit-policy"])

    assert [client.ask(f"/items/{item}")[0] for item in "abc"] == [200, 200, 429]
    assert client.ask("/")[0] == 200


@pytest.mark.parametrize("kind", [TideGate, fastapi.TideGate])
def test_what_excludes_a_file_is_an_error(file: File, kind: type[TideGate]) -> None:
    for limit in ("5/minute", "100/second", 7):
        with pytest.raises(ConfigError, match="`config` and `limit` are both given: say it in"):
            kind(limit=limit, config=file.path)
    with pytest.raises(ConfigError, match="`config` must be the path of a file, got 7"):
        kind(config=7)  # type: ignore[arg-type]
    file.write("2/huor")
    with pytest.raises(ConfigError, match=r"tidegate\.toml:7:9: rules\[0\]\.limit"):
        kind(config=file.path)


async def statuses(app: Any, times: int) -> list[int]:
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return [(await client.get("/")).status_code for _ in range(times)]


async def test_a_file_may_be_switched_off(file: File) -> None:
    app = Starlette(routes=[Route("/", hello)])
    TideGate(app, config=file.path, enabled=False)

    assert await statuses(app, 5) == [200] * 5


async def test_the_clock_of_a_test_is_the_files(file: File) -> None:
    clock = Clock()
    app = Starlette(routes=[Route("/", hello)])
    TideGate(app, config=file.path, clock=clock, default="50/minute")

    assert await statuses(app, 4) == [200, 200, 200, 429]
    clock.advance(52 * 7 * 86_400)
    assert await statuses(app, 1) == [200]


def test_the_document_tells_of_the_files_limits(file: File) -> None:
    app = FastAPI()
    fastapi.TideGate(app, config=file.path)
    app.add_api_route("/documented", lambda: "seen")

    told = app.openapi()["paths"]["/documented"]["get"]["responses"]["429"]
    assert "application/problem+json" in told["content"]
