"""A store's URL and options that make no sense are refused at construction."""

from typing import Any

import pytest

from tests.stores.servers import Redis
from tidegate import ConfigError, Gate, Limiter, Rule, protect_app, rate_limit

# What follows the host, and words that the message must have.
OPTIONS: list[tuple[str, list[str]]] = [
    ("timeout=soon", ["timeout=soon", "50ms"]),
    ("timeout=0ms", ["timeout=0ms", "1ms"]),
    ("timeout=61s", ["timeout=61s", "60s"]),
    ("timeout=50", ["timeout=50", "50ms"]),
    ("timeout=", ["timeout=", "50ms"]),
    ("pool=0", ["pool=0", "1 to 256"]),
    ("pool=many", ["pool=many", "1 to 256"]),
    ("queue=0", ["queue=0", "1 to 1000000"]),
    ("recheck=often", ["recheck=often", "1s"]),
    ("failures=0", ["failures=0", "1 to 1000"]),
    ("failures=9999", ["failures=9999", "1 to 1000"]),
    ("pause=0s", ["pause=0s", "500ms"]),
    ("local_share=0", ["local_share=0", "above 0"]),
    ("local_share=2", ["local_share=2", "up to 1"]),
    ("local_share=nan", ["local_share=nan", "up to 1"]),
    ("retries=3", ["`retries`", "timeout", "pool"]),
]
URLS: list[tuple[str, list[str]]] = [
    ("redis://", ["host", "redis://localhost:6379"]),
    ("redis://localhost:port", ["port", "1 to 65535"]),
    ("redis://localhost:0", ["port", "1 to 65535"]),
    ("redis://localhost/first", ["database", "redis://localhost/0"]),
    ("redis://a,b", ["more than one host", "redis+cluster://"]),
    ("redis://ana@localhost", ["user without a password", "user:password@"]),
    ("redis://localhost?prefix={a}", ["prefix", "brace"]),
    ("redis://localhost?ca=ca.pem", ["`ca`", "rediss://"]),
    ("rediss://localhost?cert=a.pem", ["`cert`", "`key`", "both"]),
    ("rediss://localhost?insecure=maybe", ["`insecure`", "true"]),
    ("unix://run/redis.sock", ["absolute", "unix:///"]),
    ("redis+sentinel://a:1", ["master", "mymaster"]),
    ("redis+cluster://a:1/3", ["database", "leave out"]),
    ("redes://localhost", ["redes://localhost", "redis://HOST"]),
    ("postgresql://localhost:port/app", ["port", "1 to 65535"]),
    ("postgresql://localhost/app?sslmode=maybe", ["sslmode", "verify-full"]),
    ("postgresql://localhost/app?prepare=no", ["prepare", "true or false"]),
    ("postgresql://localhost/app?unlogged=no", ["unlogged", "true or false"]),
    ("postgresql://localhost/app?schema=", ["schema", "1 to 63"]),
    ("localhost:6379", ["redis://HOST"]),
    ("", ["`store`", "empty"]),
]


def refusal(**options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        Limiter("5/day", **options)
    return str(caught.value)


@pytest.mark.parametrize(("option", "words"), OPTIONS)
@pytest.mark.parametrize("begin", ["redis://localhost?", "postgresql://localhost/app?"])
def test_a_wrong_option_is_named_with_what_would_be_right(
    begin: str, option: str, words: list[str]
) -> None:
    message = refusal(store=begin + option)
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(("url", "words"), URLS)
def test_a_wrong_url_is_named_with_what_would_be_right(url: str, words: list[str]) -> None:
    message = refusal(store=url)
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"on_store_error": "maybe"}, ["`on_store_error`", '"maybe"', "closed", "local", "open"]),
        ({"on_store_error": ""}, ["`on_store_error`", "empty"]),
        ({"on_store_error": 1}, ["on_store_error", "1"]),
        ({"lease": "soon"}, ["`lease`", "'soon'", "1s"]),
        ({"lease": 0}, ["lease", "above 0", "0"]),
        ({"lease": -1}, ["lease", "-1"]),
        ({"lease": "0s"}, ["lease", "0s"]),
        ({"lease": float("nan")}, ["lease", "nan"]),
        ({"lease": [1]}, ["lease", "[1]"]),
        ({"store": 5}, ["store", "5"]),
        ({"store": None}, ["store", "None"]),
    ],
)
def test_a_wrong_argument_is_named_with_what_would_be_right(
    options: dict[str, Any], words: list[str]
) -> None:
    options = {"store": "redis://localhost", **options}
    message = refusal(**options)
    assert [word for word in words if word not in message] == [], message
    for make in (
        lambda: protect_app(_app, "5/day", **options),
        lambda: rate_limit("5/day", **options)(len),
    ):
        with pytest.raises(ConfigError):
            make()


def test_a_rule_refuses_the_same() -> None:
    for wrong in ({"on_store_error": "maybe"}, {"lease": 0}):
        options: dict[str, Any] = wrong
        with pytest.raises(ConfigError):
            Gate([Rule("api", "5/day", **options)], store="redis://localhost")


def test_nothing_is_asked_before_the_first_check(redis: Redis) -> None:
    before = redis.commands()
    limiter = Limiter("5/day", store=redis.url)
    assert repr(limiter)
    assert redis.commands() == before


async def _app(scope: object, receive: object, send: object) -> None: ...
