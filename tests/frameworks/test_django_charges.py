"""Charges by what became of a request, limits by plan, and lists, over real sockets."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.frameworks.django_served import Client, served

Pair = tuple[str, bool]
BOTH = [("gunicorn", False), ("uvicorn", False), ("gunicorn", True), ("uvicorn", True)]
NAMES = ["gunicorn-newest", "uvicorn-newest", "gunicorn-oldest", "uvicorn-oldest"]
FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module", params=["first", "without"])
def order(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module", params=BOTH, ids=NAMES)
def port(request: pytest.FixtureRequest, order: str) -> Iterator[int]:
    with served(request.param, {}, order=order) as port:
        yield port


def test_a_hundred_wrong_passwords_at_once_let_five_through(port: int) -> None:
    client = Client(port)

    def attempt(name: str, password: str) -> int:
        body = f"username={name}&password={password}"
        return client.ask("/log-in/", "POST", body, **FORM).status

    # Right ones are given back.
    assert [attempt("ana", "right") for _ in range(12)] == [200] * 12
    with ThreadPoolExecutor(20) as threads:
        statuses = Counter(threads.map(lambda _: attempt("ana", "wrong"), range(100)))

    assert statuses == {401: 5, 429: 95}
    assert attempt("ana", "right") == 429
    assert attempt("bob", "wrong") == 401
    assert client.ask("/log-in/").status == 401  # a GET is not counted


def test_what_an_exception_becomes_is_charged(port: int) -> None:
    client = Client(port)

    assert client.statuses("/enter/?password=right", 12) == [200] * 12
    assert client.statuses("/enter/", 7) == [403] * 5 + [429] * 2


def test_a_plan_has_its_own_limit_and_staff_has_none(port: int) -> None:
    assert Client(port).statuses("/planned/", 2) == [200, 429]
    assert Client(port).statuses("/planned/", 5, x_plan="paid") == [200] * 4 + [429]
    assert Client(port).statuses("/planned/", 9, x_plan="staff") == [200] * 9


@pytest.mark.parametrize("pair", BOTH[:2], ids=NAMES[:2])
def test_lists_and_the_shadow_of_the_setting(pair: Pair) -> None:
    setting = {"limit": "1/hour", "key": "ip", "mode": "shadow", "deny": ["127.0.0.99"]}
    with served(pair, setting) as port:
        client = Client(port)
        assert client.statuses("/", 3) == [200, 200, 200]
        client.source = "127.0.0.99"
        assert client.ask("/").status == 403


@pytest.mark.parametrize("pair", BOTH[:2], ids=NAMES[:2])
def test_rules_of_the_setting_match_paths_and_routes(pair: Pair) -> None:
    rules = [
        {"name": "nested", "limit": "2/hour", "key": "ip", "match": {"path": "/nested/**"}},
        {
            "name": "items",
            "limit": "1/hour",
            "key": ["ip", "route"],
            "match": {"route": "/items/<int:number>/"},
        },
    ]
    with served(pair, {"rules": rules}) as port:
        client = Client(port)
        assert client.statuses("/", 5) == [200] * 5
        assert client.statuses("/nested/deep/", 3) == [200, 200, 429]
        assert client.ask("/items/1/").status == 200
        assert client.ask("/items/2/").status == 429
