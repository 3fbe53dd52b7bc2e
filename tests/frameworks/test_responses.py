"""What stands on a response: fields of every profile, bodies as asked for, compressed or not."""

import gzip
import json
import re
from collections.abc import Iterator

import pytest

from tests.frameworks import apps_responses, raw
from tests.frameworks.apps_responses import PROFILES
from tests.frameworks.servers import serve

PAIRS = [("gunicorn", "wsgi"), ("waitress", "wsgi"), ("uvicorn", "asgi"), ("hypercorn", "asgi")]
FIELDS = {
    "x-ratelimit": {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"},
    "draft": {"ratelimit-policy", "ratelimit"},
    "legacy": {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"},
    "none": set(),
}
pairs = pytest.mark.parametrize("pair", PAIRS, ids="-".join, scope="module")


@pytest.fixture(scope="module")
def profiles(pair: tuple[str, str]) -> Iterator[int]:
    server, kind = pair
    with serve(server, f"{kind}_profiles", module=apps_responses.__name__) as port:
        yield port


@pairs
@pytest.mark.parametrize("number", range(len(PROFILES)), ids=["+".join(p) for p in PROFILES])
def test_the_fields_are_those_of_the_profiles(profiles: int, number: int) -> None:
    first, second = (raw.ask(profiles, "GET", f"/{number}/fields") for _ in range(2))

    expected = set().union(*(FIELDS[name] for name in PROFILES[number]))
    assert [first.status, second.status] == [404, 429]
    for answer in (first, second):
        ours = [name for name, _ in answer.fields if "ratelimit" in name]
        assert sorted(ours) == sorted(expected)
    assert first.value("retry-after") is None
    assert re.fullmatch(r"[1-9][0-9]*", second.value("retry-after") or "")


ACCEPTED = [
    ("application/json", "application/problem+json"),
    ("application/problem+json", "application/problem+json"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
    ("text/plain", "text/plain"),
    ("text/html;q=0.1, application/json", "application/problem+json"),
    ("application/json;q=0, text/plain", "text/plain"),
    ("image/png", None),
    ("", None),
    ("\u00ff\u00fe, ;q=,,=", None),
]


@pairs
@pytest.mark.parametrize(("accept", "kind"), ACCEPTED)
def test_the_body_suits_what_the_client_accepts(
    profiles: int, accept: str, kind: str | None
) -> None:
    raw.ask(profiles, "GET", "/0/bodies")
    refused = raw.ask(profiles, "GET", "/0/bodies", f"Accept: {accept}")

    content_type = (refused.value("content-type") or "").partition(";")[0]
    assert refused.status == 429
    assert content_type in ([kind] if kind else [pair[1] for pair in ACCEPTED])
    assert refused.value("content-length") == str(len(refused.body))
    if content_type == "application/problem+json":
        assert json.loads(refused.body)["status"] == 429
    elif content_type == "text/html":
        assert refused.body.lower().startswith(b"<!doctype html>")
    else:
        assert b"<" not in refused.body


@pairs
def test_a_refused_head_has_the_fields_of_the_get_and_no_body(profiles: int) -> None:
    raw.ask(profiles, "GET", "/0/head")
    refused = {method: raw.ask(profiles, method, "/0/head") for method in ("GET", "HEAD")}

    assert refused["HEAD"].status == 429
    assert refused["HEAD"].body == b""
    for field in ("content-type", "x-ratelimit-limit", "x-ratelimit-remaining"):
        assert refused["HEAD"].value(field) == refused["GET"].value(field) is not None
    assert refused["HEAD"].value("retry-after") is not None


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("order", ["outside", "inside"])
def test_compression_works_in_either_order(pair: tuple[str, str], order: str) -> None:
    server, kind = pair
    with serve(server, f"{kind}_compressed_{order}", module=apps_responses.__name__) as port:
        lines = ("Accept-Encoding: gzip", "Accept: text/plain")
        first, second = (raw.ask(port, "GET", "/", *lines) for _ in range(2))

    assert [first.status, second.status] == [200, 429]
    assert first.value("content-encoding") == "gzip"
    assert gzip.decompress(first.body) == b"you asked for /"
    # Compression inside the gate never sees a refusal.
    assert second.value("content-encoding") == ("gzip" if order == "outside" else None)
    text = gzip.decompress(second.body) if order == "outside" else second.body
    assert b"limit" in text.lower()
    for answer in (first, second):
        assert answer.value("x-ratelimit-limit") == "1"
        assert answer.value("content-length") in (None, str(len(answer.body)))
