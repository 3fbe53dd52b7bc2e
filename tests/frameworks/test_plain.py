"""Without a framework: what the gate does for an application that is only WSGI, or only ASGI."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.frameworks import apps_plain, raw
from tests.frameworks.apps_plain import given
from tests.frameworks.servers import Connection, serve

SERVERS = {"wsgi": ["gunicorn", "waitress"], "asgi": ["uvicorn", "hypercorn", "daphne"]}
PAIRS = [(server, kind) for kind, servers in SERVERS.items() for server in servers]
FIELDS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
# An application to a port.
Serve = Callable[..., AbstractContextManager[int]]


def shows(ability: str, *kinds: str) -> list[object]:
    """The servers, each marked with what is shown on it; of all kinds, unless some are named."""
    return [
        pytest.param((server, kind), id=f"{server}-{kind}", marks=pytest.mark.shows(kind, ability))
        for server, kind in PAIRS
        if not kinds or kind in kinds
    ]


def on(ability: str, *kinds: str) -> pytest.MarkDecorator:
    """Runs a test on each server, as one that shows an ability."""
    return pytest.mark.parametrize("pair", shows(ability, *kinds))


@pytest.fixture
def serving(pair: tuple[str, str]) -> Serve:
    server, kind = pair

    @contextmanager
    def start(app: str, **environment: str) -> Iterator[int]:
        module = apps_plain.__name__
        with serve(server, f"{kind}_{app}", module=module, **environment) as port:
            yield port

    return start


@on("decorator")
def test_a_limited_function_becomes_a_429(serving: Serve) -> None:
    with serving("functions") as port:
        answers = [raw.ask(port, "GET") for _ in range(3)]
        elsewhere = raw.ask(port, "GET", source="127.0.0.2")

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].body == b"found"
    assert answers[2].value("x-ratelimit-limit") == "2"
    assert answers[2].value("retry-after") == "1800"
    assert elsewhere.status == 200


@on("decorator")
def test_a_limited_generator_becomes_a_429(serving: Serve) -> None:
    with serving("functions") as port:
        statuses = [raw.ask(port, "GET", "/export").status for _ in range(2)]
        other = raw.ask(port, "GET")

    assert statuses == [200, 429]
    assert other.status == 200


@on("async", "asgi")
def test_a_limited_coroutine_becomes_a_429(serving: Serve) -> None:
    with serving("functions") as port:
        statuses = [raw.ask(port, "GET").status for _ in range(3)]

    assert statuses == [200, 200, 429]


@on("default limits")
def test_every_path_has_the_limit_each_by_itself(serving: Serve) -> None:
    paths = ["/", "/moved", "/broken", "/items/1", "/items/2", "/missing", "/%C3%BC"]
    with serving("app", **given(limit="2/hour", key="path")) as port:
        statuses = {path: [raw.ask(port, "GET", path).status for _ in range(3)] for path in paths}

    for path, (first, second, third) in statuses.items():
        assert first == second != 429, path
        assert third == 429, path


@on("routers/blueprints/mounts")
def test_mounted_applications_are_limited_and_count_a_request_once(serving: Serve) -> None:
    with serving("mounts") as port:
        paths = ["/same/", "/same/items/1", "/own/", "/own/items/1", "/", "/same/"]
        answers = [raw.ask(port, "GET", path) for path in paths]

    # Four for all together; of these, one for `/own`.
    assert [answer.status for answer in answers] == [200, 200, 200, 429, 429, 429]
    assert answers[1].value("x-ratelimit-remaining") == "2"


@on("streaming")
def test_a_stream_arrives_part_by_part(serving: Serve, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    with (
        serving("app", **given(limit="5/hour"), TIDEGATE_TEST_GATE=str(gate)) as port,
        closing(Connection(port)) as connection,
    ):
        connection.client.request("GET", "/events")
        response = connection.client.getresponse()
        received = []
        for number in range(3):
            # The server makes the next part only after this one is here.
            received.append(response.read(len(b"data: part 0;\n\n")))
            gate.write_bytes(b"x" * (number + 1))

    assert received == [b"data: part %d;\n\n" % number for number in range(3)]
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.headers.get_all("X-RateLimit-Remaining") == ["4"]


@on("headers everywhere")
def test_the_fields_stand_once_on_every_response(serving: Serve, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    gate.write_bytes(b"open")
    expected = [("/", 200), ("/moved", 302), ("/broken", 500), ("/missing", 404), ("/stream", 200)]
    with serving("app", **given(limit="7/hour"), TIDEGATE_TEST_GATE=str(gate)) as port:
        answers = [raw.ask(port, "GET", path) for path, _ in expected]
        answers += [raw.ask(port, method) for method in ("HEAD", "OPTIONS", "POST")]

    statuses = [*(status for _, status in expected), 200, 200, 429]
    assert [answer.status for answer in answers] == statuses
    for answer in answers:
        assert [len(answer.values(field)) for field in FIELDS] == [1, 1, 1], answer
        assert (answer.value("retry-after") is not None) == (answer.status == 429)
    assert answers[1].value("location") == "/"
    assert answers[5].body == b""


@on("keys")
def test_each_key_has_a_count_of_its_own(serving: Serve) -> None:
    with serving("app", **given(limit="1/hour", key="header:x-api-key")) as port:
        keys = ["ana", "bob", "ana"]
        statuses = [raw.ask(port, "GET", "/", f"X-Api-Key: {key}").status for key in keys]
        without = [raw.ask(port, "GET", "/").status for _ in range(2)]

    assert statuses == [200, 200, 429]
    # Requests without the field share one count: nobody gets out by leaving it away.
    assert without == [200, 429]


@on("keys")
def test_a_key_may_be_the_method(serving: Serve) -> None:
    with serving("app", **given(limit="1/hour", key="method")) as port:
        statuses = [raw.ask(port, method).status for method in ("GET", "POST", "GET", "POST")]

    assert statuses == [200, 200, 429, 429]


@on("per-user limits")
def test_each_user_is_counted_by_a_callable(serving: Serve) -> None:
    with serving("users") as port:
        users = ["ana", "ana", "ana", "bob", "bob", "bob"]
        statuses = [raw.ask(port, "GET", "/", f"Authorization: {user}").status for user in users]
        anonymous = [raw.ask(port, "GET").status for _ in range(3)]

    assert statuses == [200, 200, 429, 200, 200, 429]
    assert anonymous == [200, 200, 429]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_a_preflight_is_free(serving: Serve) -> None:
    lines = ["Origin: http://example.org", "Access-Control-Request-Method: PUT"]
    with serving("app", **given(limit="1/hour")) as port:
        preflights = [raw.ask(port, "OPTIONS", "/", *lines) for _ in range(3)]
        others = [raw.ask(port, "OPTIONS").status for _ in range(2)]

    assert [preflight.status for preflight in preflights] == [200] * 3
    assert preflights[0].values("x-ratelimit-limit") == []
    assert others == [200, 429]
