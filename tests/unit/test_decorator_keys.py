"""Whom `rate_limit` counts, outside any request."""

import os
from typing import Any

import pytest

from tidegate import ConfigError, RateLimitExceeded, rate_limit
from tidegate.testing import Clock


@pytest.mark.parametrize("key", [None, "global"])
def test_without_a_key_all_calls_count_together(key: str | None) -> None:
    @rate_limit("1/minute", key=key, clock=Clock())
    def work(user: str) -> str:
        return user

    assert work("ana") == "ana"
    with pytest.raises(RateLimitExceeded):
        work("bob")


def test_a_callable_is_given_the_functions_own_arguments() -> None:
    def by_user(user: str, *, flag: bool = False) -> str:
        return f"{user}:{flag}"

    @rate_limit("1/minute", key=by_user, clock=Clock())
    def work(user: str, *, flag: bool = False) -> str:
        return user

    assert [work("ana"), work("bob"), work("ana", flag=True)] == ["ana", "bob", "ana"]
    with pytest.raises(RateLimitExceeded) as caught:
        work(user="ana")
    assert caught.value.key == "ana:False"


async def test_an_async_function_may_have_either_kind_of_callable() -> None:
    async def late(user: str) -> str:
        return user

    async def work(user: str) -> str:
        return user

    for key in (late, lambda user: user):
        limited = rate_limit("1/minute", key=key, clock=Clock())(work)
        assert [await limited("ana"), await limited("bob")] == ["ana", "bob"]
        with pytest.raises(RateLimitExceeded):
            await limited("ana")


@pytest.mark.parametrize("key", ["ip", "path", "method", "header:x-api-key"])
def test_a_key_that_only_a_request_has_says_what_to_do(key: str) -> None:
    @rate_limit("1/minute", key=key)
    def work() -> None: ...

    with pytest.raises(ConfigError) as caught:
        work()

    message = str(caught.value)
    assert repr(key) in message
    assert "work" in message
    assert "protect_app" in message


@pytest.mark.parametrize("answer", [None, "", 42, b"x"])
def test_an_answer_that_is_no_key_names_the_callable(answer: Any) -> None:
    def by_user() -> Any:
        return answer

    @rate_limit("1/minute", key=by_user)
    def work() -> None: ...

    with pytest.raises(ConfigError, match=r"by_user.* must return text"):
        work()


@pytest.mark.parametrize("answer", ["x" * 100_000, "\udcff\ud800", "\x00"])
def test_odd_answers_are_keys_of_their_own(answer: str) -> None:
    @rate_limit("1/minute", key=lambda user: user, clock=Clock())
    def work(user: str) -> None: ...

    work(answer)
    work(answer + "y")
    with pytest.raises(RateLimitExceeded):
        work(answer)


def test_a_callable_that_fails_fails_the_call() -> None:
    @rate_limit("1/minute", key=lambda: os.environ["MISSING"], clock=Clock())
    def work() -> None: ...

    with pytest.raises(KeyError, match="MISSING"):
        work()
