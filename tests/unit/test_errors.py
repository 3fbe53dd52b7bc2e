"""The exceptions: their tree, what they say, and that they survive being sent elsewhere."""

import pickle

import pytest

import tidegate
from tidegate import Limiter, RateLimitExceeded, errors
from tidegate.testing import Clock


def exceeded(key: str, *, cost: int = 1, name: str = "login") -> RateLimitExceeded:
    limiter = Limiter("5/minute", name=name, clock=Clock())
    limiter.check(key, cost=5)
    return RateLimitExceeded(limiter.check(key, cost=cost), key)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_exception_has_the_base(name: str) -> None:
    assert issubclass(getattr(errors, name), tidegate.TidegateError)


def test_the_message_says_who_which_and_when() -> None:
    assert str(exceeded("user:42")) == "rate limit 'login' reached for 'user:42'; retry in 12 s"


def test_the_message_tells_what_no_wait_will_help() -> None:
    message = str(exceeded("user:42", cost=6))

    assert message == (
        "rate limit 'login': the call for 'user:42' costs more than the limit ever allows"
    )


def test_without_a_key_nobody_is_named() -> None:
    gate = tidegate.Gate([tidegate.Rule("all", "1/minute")], clock=Clock())
    gate.admit()

    error = RateLimitExceeded(gate.admit())

    assert error.key is None
    assert str(error) == "rate limit 'all' reached; retry in 60 s"


def test_a_hostile_key_is_escaped_and_cut_in_the_message_and_kept_in_full() -> None:
    key = "\x1b[2J\n\udc80\u202e\u0430" + "x" * 1000

    error = exceeded(key)

    message = str(error)
    assert "\\x1b[2J\\n\\udc80\\u202e\\u0430" in message
    assert "(1008 characters)" in message
    assert message.isprintable()
    assert len(message) < 250
    assert error.key == key


def test_it_survives_pickling() -> None:
    before = exceeded("user:42")

    after = pickle.loads(pickle.dumps(before))

    assert str(after) == str(before)
    assert after.key == before.key
    assert after.decision.retry_after == before.decision.retry_after


def test_a_value_whose_repr_raises_can_still_be_named() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert errors.shorten(Broken()) == "<Broken>"
