"""REST framework over real sockets: throttles under their usual names, on oldest and newest."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.frameworks.django_served import FIELDS, Client, served

SERVERS = [("gunicorn", False), ("uvicorn", False), ("gunicorn", True), ("uvicorn", True)]
NAMES = [f"{server}-{'oldest' if oldest else 'newest'}" for server, oldest in SERVERS]
Pair = tuple[str, bool]
PLACE: dict[str, Any] = {"module": "tests.frameworks.apps_drf", "framework": "drf"}


@pytest.fixture(scope="module", params=SERVERS, ids=NAMES)
def pair(request: pytest.FixtureRequest) -> Pair:
    chosen: Pair = request.param
    return chosen


@pytest.fixture(scope="module")
def port(pair: Pair) -> Iterator[int]:
    with served(pair, {}, order="without", **PLACE) as port:
        yield port


@pytest.mark.shows("drf", "default limits")
def test_who_is_not_signed_in_is_limited_by_address(port: int) -> None:
    client = Client(port)

    assert client.statuses("/anon/", 3) == [200, 200, 429]
    assert Client(port).ask("/anon/").status == 200
    assert client.statuses("/anon/", 9, x_name="ana") == [200] * 9


@pytest.mark.shows("drf", "streaming")
def test_a_streamed_answer_is_throttled_and_has_the_fields(port: int) -> None:
    client = Client(port)
    first = client.ask("/streamed/")

    assert (first.status, first.text) == (200, "part 1;part 2;")  # type: ignore[attr-defined]
    assert [name for name in FIELDS if first.getheader(name) is None] == []
    assert client.statuses("/streamed/", 2) == [200, 429]


@pytest.mark.shows("drf", "exemption")
def test_a_view_without_throttles_is_free(port: int) -> None:
    assert Client(port).statuses("/free/", 9) == [200] * 9


@pytest.mark.shows("drf", "on-breach response")
def test_the_views_own_handler_of_exceptions_answers(port: int) -> None:
    client = Client(port)
    assert client.statuses("/answering/", 2) == [200, 200]
    refused = client.ask("/answering/")

    assert (refused.status, [*json.loads(refused.text)]) == (429, ["slow down for"])  # type: ignore[attr-defined]


@pytest.mark.shows("drf", "per-user limits")
def test_users_are_limited_each_by_himself(port: int, pair: Pair) -> None:
    client = Client(port)

    assert client.statuses("/user/", 4, x_name=f"bob-{pair}") == [200, 200, 200, 429]
    # Another address of the same user, another user, and nobody in particular.
    assert Client(port).ask("/user/", x_name=f"bob-{pair}").status == 429
    assert client.ask("/user/", x_name=f"eve-{pair}").status == 200
    assert client.ask("/user/").status == 200


@pytest.mark.shows("drf", "keys")
def test_scopes_and_keys_of_the_views_own(port: int) -> None:
    client = Client(port)

    assert client.statuses("/uploads/", 2) == [200, 429]
    assert client.statuses("/downloads/", 3) == [200, 200, 429]
    assert client.statuses("/scopeless/", 5) == [200] * 5
    assert client.statuses("/tenants/?tenant=a", 3) == [200, 200, 429]
    assert client.statuses("/tenants/?tenant=b", 1) == [200]
    assert client.statuses("/tenants/", 5) == [200] * 5


def test_a_parse_rate_of_the_projects_own_decides(port: int) -> None:
    client = Client(port)
    answers = [client.ask("/old/") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 429]
    # One of two in 90 minutes comes back after 45.
    assert 2690 <= int(answers[2].headers["Retry-After"] or 0) <= 2700


@pytest.mark.shows("drf", "headers everywhere")
def test_the_fields_stand_on_every_answer_of_a_throttled_view(port: int) -> None:
    client = Client(port)

    answers: list[Any] = [client.ask("/user/") for _ in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    for answer in answers:
        assert [field for field in FIELDS if len(answer.headers.get_all(field)) != 1] == []
        assert (answer.headers["Retry-After"] is not None) == (answer.status == 429)
    assert json.loads(answers[3].text)["detail"].startswith("Request was throttled.")
    assert 1190 <= int(answers[3].headers["Retry-After"]) <= 1200
    assert client.ask("/user/", "TRACE").headers["X-RateLimit-Limit"] is not None


@pytest.mark.shows("drf", "headers everywhere")
def test_behind_the_middleware_the_fields_stand_on_errors_too(pair: Pair) -> None:
    setting = {"limit": "50/hour", "key": "ip"}
    with served(pair, setting, **PLACE) as port:
        client = Client(port)
        answers = {path: client.ask(path) for path in ("/broken/", "/none/", "/plain/", "/user/")}

    assert [answer.status for answer in answers.values()] == [500, 404, 200, 200]
    limits = [answer.headers["X-RateLimit-Limit"] for answer in answers.values()]
    assert limits == ["3", "50", "50", "3"]


@pytest.mark.parametrize("path", ["/both/", "/swapped/"])
def test_what_one_throttle_refuses_is_charged_to_none(port: int, path: str) -> None:
    client = Client(port)
    name = f"{path[1:-1]}-{port}"

    # Burst allows 2 at once; the 20 that it refuses take nothing of the 5 a day.
    statuses = client.statuses(path, 22, x_name=name)
    answer = client.ask(path, x_name=name)

    assert statuses == [200] * 2 + [429] * 20
    assert answer.headers["X-RateLimit-Limit"] == "2"
    assert int(answer.headers["Retry-After"] or 0) <= 60


@pytest.mark.shows("drf", "decorator")
def test_the_decorator_limits_views_of_rest_framework(port: int) -> None:
    client = Client(port)

    assert client.statuses("/decorated/", 3) == [200, 200, 429]
    assert client.statuses("/inside/", 3) == [200, 200, 429]
    assert client.statuses("/function/", 3) == [200, 200, 429]


@pytest.mark.shows("drf", "class views")
@pytest.mark.shows("drf", "routers/blueprints/mounts")
def test_view_sets_behind_a_router_are_limited(port: int) -> None:
    client = Client(port)

    assert client.statuses("/api/things/", 2, "POST") == [201, 429]
    assert client.statuses("/api/things/", 2) == [200, 429]


def test_a_forged_address_is_not_believed(port: int) -> None:
    client = Client(port)
    forged = [f"203.0.113.{number}, 198.51.100.{number}" for number in range(5)]

    assert [client.ask("/anon/", x_forwarded_for=one).status for one in forged] == [
        *(200, 200, 429, 429, 429)
    ]


@pytest.mark.parametrize("where", ["NUM_PROXIES", "trusted_proxies"])
def test_a_proxy_that_is_trusted_tells_the_address(pair: Pair, where: str) -> None:
    setting = {"trusted_proxies": ["loopback"]} if where == "trusted_proxies" else {}
    hops = "1" if where == "NUM_PROXIES" else "null"
    with served(pair, setting, TIDEGATE_TEST_NUM_PROXIES=hops, **PLACE) as port:
        client = Client(port)
        for last in (1, 2):
            # The last address is the proxy's word, the one before the client's.
            statuses = [
                client.ask("/anon/", x_forwarded_for=f"203.0.113.{n}, 198.51.100.{last}").status
                for n in range(3)
            ]
            assert statuses == [200, 200, 429]


def test_a_hundred_at_once_are_admitted_exactly(pair: Pair) -> None:
    with served(pair, {}, **PLACE) as port, ThreadPoolExecutor(20) as threads:
        client = Client(port)
        statuses = list(threads.map(lambda _: client.ask("/user/").status, range(100)))

    assert sorted(statuses) == [200] * 3 + [429] * 97
