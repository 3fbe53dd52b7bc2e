"""The admin page over a real socket: who may look, who may reset, and what resetting does."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.frameworks.django_served import served
from tests.stores.servers import Redis

PAGE = "/admin/tidegate/limit/"
Pair = tuple[str, bool]
SERVERS = [("gunicorn", False), ("uvicorn", False), ("gunicorn", True)]
NAMES = ["gunicorn-newest", "uvicorn-newest", "gunicorn-oldest"]


@pytest.fixture(scope="module", params=SERVERS, ids=NAMES)
def pair(request: pytest.FixtureRequest) -> Pair:
    chosen: Pair = request.param
    return chosen


@pytest.fixture(scope="module")
def database(pair: Pair, django_database: Callable[[bool], str]) -> str:
    return django_database(pair[1])


@pytest.fixture(scope="module")
def site(pair: Pair, database: str, redis: Redis) -> Iterator[str]:
    """A project that counts in Redis, with its admin."""
    setting = {"key": "ip", "store": redis.fresh(f"admin-{'-'.join(map(str, pair))}")}
    with served(
        pair,
        setting,
        TIDEGATE_TEST_URLS="tests.frameworks.django_admin_urls",
        TIDEGATE_TEST_DATABASE=database,
    ) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def signed_in(site: str, name: str) -> Iterator[httpx.Client]:
    """A browser in which somebody has signed in by the admin's own form."""
    with httpx.Client(base_url=site) as browser:
        page = browser.get("/admin/login/")
        fields = {"username": name, "password": name, "csrfmiddlewaretoken": token_of(page)}
        answer = browser.post("/admin/login/?next=/admin/", data=fields)
        assert answer.status_code == 302, answer.text
        yield browser


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def asked(site: str, times: int, key: str) -> list[int]:
    """Posts to a view that allows two an hour for each API key."""
    with httpx.Client(base_url=site) as client:
        return [
            client.post("/writes/", headers={"X-Api-Key": key}).status_code for _ in range(times)
        ]


def test_the_page_shows_the_rules_and_how_a_key_stands(site: str) -> None:
    assert asked(site, 3, "looked-at") == [200, 200, 429]
    with signed_in(site, "boss") as browser:
        index = browser.get("/admin/").text
        page = browser.get(PAGE, params={"rule": "writes", "key": "looked-at"}).text
        other = browser.get(PAGE, params={"rule": "writes", "key": "never-seen"}).text

    assert f'href="{PAGE}"' in index
    assert "header:x-api-key" in page
    assert "counted in Redis" in page
    assert re.search(r"looked-at:\s+0 of 2 left, refused for another", page)
    assert re.search(r"never-seen:\s+2 of 2 left", other)
    # Looking takes nothing.
    assert asked(site, 3, "never-seen") == [200, 200, 429]


def test_a_reset_gives_the_key_its_quota_back_and_is_logged(site: str, database: str) -> None:
    assert asked(site, 3, "reset-me") == [200, 200, 429]
    assert asked(site, 3, "leave-me") == [200, 200, 429]
    with signed_in(site, "boss") as browser:
        page = browser.get(PAGE, params={"rule": "writes", "key": "reset-me"})
        fields = {"rule": "writes", "key": "reset-me", "csrfmiddlewaretoken": token_of(page)}
        done = browser.post(f"{PAGE}reset/", data=fields, follow_redirects=True)

    assert done.status_code == 200
    assert "has forgotten" in done.text
    assert re.search(r"reset-me:\s+2 of 2 left", done.text)
    assert asked(site, 3, "reset-me") == [200, 200, 429]
    assert asked(site, 1, "leave-me") == [429]
    rows = sqlite3.connect(database).execute("select change_message from django_admin_log")
    assert "Reset the key 'reset-me'." in [message for (message,) in rows]


def test_a_reset_needs_a_token_and_a_post(site: str) -> None:
    assert asked(site, 3, "forged") == [200, 200, 429]
    with signed_in(site, "boss") as browser:
        fields = {"rule": "writes", "key": "forged"}
        without = browser.post(f"{PAGE}reset/", data=fields)
        got = browser.get(f"{PAGE}reset/", params=fields)

    assert (without.status_code, got.status_code) == (403, 405)
    assert asked(site, 1, "forged") == [429]


def test_who_may_only_look_sees_no_button_and_resets_nothing(site: str) -> None:
    assert asked(site, 3, "viewed") == [200, 200, 429]
    with signed_in(site, "viewer") as browser:
        page = browser.get(PAGE, params={"rule": "writes", "key": "viewed"})
        cookie = browser.cookies["csrftoken"]
        fields = {"rule": "writes", "key": "viewed", "csrfmiddlewaretoken": cookie}
        refused = browser.post(f"{PAGE}reset/", data=fields)

    assert page.status_code == 200
    assert "tidegate-reset" not in page.text
    assert refused.status_code == 403
    assert asked(site, 1, "viewed") == [429]


def test_who_may_not_look_sees_nothing(site: str) -> None:
    with signed_in(site, "staff") as browser:
        assert browser.get(PAGE).status_code == 403
        assert f'href="{PAGE}"' not in browser.get("/admin/").text
    with httpx.Client(base_url=site) as stranger:
        answer = stranger.get(PAGE)
        assert (answer.status_code, answer.headers["location"]) == (
            302,
            f"/admin/login/?next={PAGE}",
        )


def test_what_a_client_sends_as_its_key_is_no_markup(site: str) -> None:
    key = '"><script>alert(1)</script>'
    with signed_in(site, "boss") as browser:
        page = browser.get(PAGE, params={"rule": "writes", "key": key, "prefix": key}).text

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_keys_are_listed_by_how_they_begin(site: str) -> None:
    assert asked(site, 1, "listed-key") == [200]
    with signed_in(site, "boss") as browser:
        page = browser.get(PAGE, params={"rule": "writes", "prefix": "listed"}).text
        other = browser.get(PAGE, params={"rule": "writes", "prefix": "nobody"}).text

    assert re.search(r">listed-key</a></td>\s*<td>1 of 2", page)
    assert "No key is counted." in other


def test_in_memory_the_page_says_that_nothing_can_be_listed(pair: Pair, database: str) -> None:
    urls: Any = {"TIDEGATE_TEST_URLS": "tests.frameworks.django_admin_urls"}
    with (
        served(pair, {"key": "ip"}, TIDEGATE_TEST_DATABASE=database, **urls) as port,
        signed_in(f"http://127.0.0.1:{port}", "boss") as browser,
    ):
        page = browser.get(PAGE, params={"rule": "writes"}).text

    assert "counted in this process alone" in page
    assert "Keys cannot be listed" in page
