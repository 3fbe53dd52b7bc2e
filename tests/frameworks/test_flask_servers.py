"""The Flask extension under gunicorn, with the oldest and the newest Flask that is supported."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.servers import Connection, serve
from tests.frameworks.versions import python_with

FIELDS = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]

# Each test comes from an address of its own.
_addresses = (f"127.0.{a}.{b}" for a, b in itertools.product(range(1, 200), range(1, 250)))


@pytest.fixture(scope="module", params=["oldest", "newest"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(request.param) / "log"


@pytest.fixture(scope="module")
def port(log: Path) -> Iterator[int]:
    python = python_with("flask", oldest=log.parent.name.startswith("oldest"))
    module = "tests.frameworks.apps_flask"
    (log.parent / "gate").write_bytes(b"...")
    gate = str(log.parent / "gate")
    with serve(
        "gunicorn", "everything", python=python, module=module, log=log, TIDEGATE_TEST_GATE=gate
    ) as served:
        yield served


@pytest.fixture
def client(port: int) -> Iterator["Client"]:
    with closing(Connection(port, next(_addresses))) as connection:
        yield Client(connection)


class Client:
    """Asks from one address."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[Any, bytes]:
        """One request: the response, and its body."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.client.request(method, path, headers=fields)
        response = self.connection.client.getresponse()
        return response, response.read()

    def statuses(self, count: int, path: str, method: str = "GET", **headers: str) -> list[int]:
        """The statuses of several requests."""
        return [self.ask(path, method, **headers)[0].status for _ in range(count)]


@pytest.mark.shows("flask", "decorator")
def test_a_decorated_view_has_its_own_limit(client: Client) -> None:
    assert client.statuses(4, "/own") == [200, 200, 200, 429]
    # One count for all methods, and nothing of it reaches other routes.
    assert client.statuses(1, "/own", "POST") == [429]
    assert client.statuses(1, "/free") == [200]


def test_a_shared_limit_is_one_count_for_its_routes(client: Client) -> None:
    asked = [client.ask(path)[0] for path in ("/shared/a", "/shared/b", "/shared/a", "/shared/b")]

    assert [response.status for response in asked] == [200, 200, 200, 429]


@pytest.mark.shows("flask", "default limits")
@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", "/free", 4),
        ("GET", "/left", 4),
        ("GET", "/redirect", 4),
        ("GET", "/aborted", 4),
        ("GET", "/broken", 4),
        ("POST", "/class/single", 4),
        ("HEAD", "/free", 4),
        ("OPTIONS", "/free", 4),
        # A blueprint's own limit takes the default's place, nested or not.
        ("GET", "/api/one", 3),
        ("GET", "/api/v1/two/7", 3),
        ("GET", "/api/v1/tight", 2),
        # Files of static folders count for the application alone, and so does what is no route.
        ("GET", "/static/apps_flask.py", 30),
        ("GET", "/api/static/apps_flask.py", 30),
        ("GET", "/missing", 30),
        ("DELETE", "/free", 30),
    ],
)
def test_every_route_has_a_limit(client: Client, method: str, path: str, limit: int) -> None:
    statuses = client.statuses(limit + 1, path, method)

    assert 429 not in statuses[:limit]
    assert statuses[limit] == 429


def test_the_default_counts_each_route_apart_and_the_application_all_together(
    client: Client,
) -> None:
    for path in ("/free", "/left", "/redirect"):
        assert 429 not in client.statuses(4, path)
        assert client.statuses(1, path) == [429]
    # 12 of 30 are gone: what a route refuses takes nothing from the application.
    assert 429 not in client.statuses(18, "/missing")
    assert client.statuses(1, "/missing") == [429]


@pytest.mark.shows("flask", "routers/blueprints/mounts")
def test_a_blueprints_limit_counts_each_of_its_routes_and_of_those_nested(client: Client) -> None:
    assert client.statuses(4, "/api/one") == [200, 200, 200, 429]
    assert client.statuses(4, "/api/v1/two/1") == [200, 200, 200, 429]
    assert client.statuses(1, "/api/v1/two/2") == [429]
    assert client.statuses(3, "/api/v1/tight") == [200, 200, 429]


@pytest.mark.shows("flask", "class views")
def test_class_views_are_limited_as_a_whole_and_by_method(client: Client) -> None:
    assert client.statuses(4, "/class/decorated") == [200, 200, 200, 429]
    assert client.statuses(2, "/class/whole") == [200, 200]
    assert client.statuses(2, "/class/whole", "POST") == [200, 429]
    assert client.statuses(3, "/class/single") == [200, 200, 429]
    assert client.statuses(1, "/class/single", "HEAD") == [429]
    assert client.statuses(5, "/class/single", "POST") == [200] * 4 + [429]


@pytest.mark.shows("flask", "async")
def test_async_views_are_limited(client: Client) -> None:
    response, body = client.ask("/async")

    assert (response.status, body) == (200, b"async")
    assert client.statuses(3, "/async") == [200, 200, 429]


@pytest.mark.shows("flask", "streaming")
def test_a_stream_arrives_whole_and_with_fields(client: Client) -> None:
    response, body = client.ask("/stream")

    assert body == b"part 0;part 1;part 2;"
    assert response.headers["X-RateLimit-Remaining"] == "2"
    assert response.headers["Transfer-Encoding"] == "chunked"
    assert client.statuses(3, "/stream") == [200, 200, 429]


@pytest.mark.shows("flask", "headers everywhere")
def test_the_fields_stand_on_every_kind_of_response(client: Client) -> None:
    paths = {
        "/free": 200,
        "/missing": 404,
        "/broken": 500,
        "/aborted": 503,
        "/redirect": 302,
        "/stream": 200,
        "/static/apps_flask.py": 200,
    }
    for path, status in paths.items():
        response, _ = client.ask(path)
        assert response.status == status
        assert [name for name in FIELDS if len(response.headers.get_all(name, [])) != 1] == []
        assert "Retry-After" not in response.headers
    for path in ("/own", "/handled"):
        client.statuses(3, path)
        response, _ = client.ask(path)
        assert response.status == 429
        assert [response.headers.get_all(name) for name in FIELDS[:2]] == [["3"], ["0"]]
        assert response.headers.get_all("Retry-After") == ["1200"]


def test_a_template_shows_what_is_left(client: Client) -> None:
    assert client.ask("/left")[1] == b"3 of 4"


@pytest.mark.shows("flask", "exemption")
def test_what_is_exempt_is_not_counted(client: Client) -> None:
    for path in ("/exempt", "/health/deep/alive"):
        assert client.statuses(40, path) == [200] * 40
        assert "X-RateLimit-Limit" not in client.ask(path)[0].headers
    assert client.statuses(40, "/free", X_Probe="1") == [200] * 40
    # The application's count has not moved.
    assert 429 not in client.statuses(30, "/missing")
    preflight = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    assert client.statuses(40, "/own", "OPTIONS", **preflight) == [200] * 40


@pytest.mark.shows("flask", "keys")
def test_a_key_callable_tells_clients_apart(client: Client) -> None:
    assert client.statuses(4, "/tenant", X_Tenant="ana") == [200, 200, 200, 429]
    assert client.statuses(4, "/tenant", X_Tenant="bob") == [200, 200, 200, 429]


@pytest.mark.shows("flask", "per-user limits")
def test_users_have_their_own_counts_wherever_they_come_from(port: int, client: Client) -> None:
    name = f"ana-{port}"
    with closing(Connection(port, next(_addresses))) as connection:
        elsewhere = Client(connection)
        assert client.statuses(2, "/user", X_User=name) == [200, 200]
        assert elsewhere.statuses(2, "/user", X_User=name) == [200, 429]
        # Who is not signed in counts by address.
        assert client.statuses(4, "/user") == [200, 200, 200, 429]
        assert elsewhere.statuses(4, "/user") == [200, 200, 200, 429]


def test_of_a_hundred_wrong_passwords_at_once_five_are_looked_at(port: int) -> None:
    def attempt(_: int) -> int:
        with closing(Connection(port, next(_addresses))) as connection:
            return Client(connection).statuses(1, "/password?password=wrong", X_User="eve")[0]

    with ThreadPoolExecutor(100) as pool:
        assert Counter(pool.map(attempt, range(100))) == {401: 5, 429: 95}


def test_right_passwords_give_back_what_they_took(client: Client) -> None:
    assert client.statuses(20, "/password?password=right", X_User="fay") == [200] * 20
    assert client.statuses(6, "/password?password=wrong", X_User="fay") == [401] * 5 + [429]


@pytest.mark.shows("flask", "on-breach response")
def test_a_callback_answers_in_place_of_the_usual_response(client: Client) -> None:
    client.statuses(3, "/breach")
    response, body = client.ask("/breach")

    assert response.status == 420
    assert 0 < json.loads(body)["wait"] <= 1200
    assert response.headers["X-RateLimit-Remaining"] == "0"


def test_an_error_handler_answers_in_place_of_the_usual_response(client: Client) -> None:
    client.statuses(3, "/handled")

    assert json.loads(client.ask("/handled")[1]) == {"handled": "site.handled"}


def test_a_key_callable_that_raises_is_named_in_the_log(client: Client, log: Path) -> None:
    assert client.statuses(40, "/keyless") == [500] * 40

    said = log.read_text()
    assert "the key callable 'no_key' raised ZeroDivisionError" in said
    assert "never served" not in said


def test_a_response_of_a_key_callable_goes_out_as_it_is(client: Client) -> None:
    assert client.statuses(5, "/tenant") == [401] * 5
