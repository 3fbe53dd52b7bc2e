"""The quick way into the compiled module, and everything that must not be different on it."""

import asyncio
import gc
import inspect
import sys
import weakref
from collections.abc import Awaitable
from typing import Any

import pytest

from tidegate import ConfigError, Decision, Limiter
from tidegate.testing import Clock

METHODS = ["allow", "check", "aallow", "acheck"]


def limiter(limit: str = "5/minute") -> Limiter:
    return Limiter(limit, clock=Clock())


def call(target: Limiter, name: str, *arguments: Any, **options: Any) -> Any:
    answer = getattr(target, name)(*arguments, **options)
    if name.startswith("a") and name != "allow":
        answer = asyncio.run(awaited(answer))
    return bool(answer)


async def awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("limit", ["5/minute", "5/minute; 50/hour"])
def test_every_spelling_of_a_call_counts_alike(name: str, limit: str) -> None:
    target = limiter(limit)
    unusual = "".join(["co", "st"])

    spellings: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        (("ana",), {}),
        (("ana",), {"cost": 1}),
        (("ana",), {unusual: 1}),
        ((), {"key": "ana"}),
        ((), {"cost": 1, "key": "ana"}),
    ]
    answers = [call(target, name, *arguments, **options) for arguments, options in spellings]

    assert answers == [True] * 5
    assert not call(target, name, "ana")
    assert call(target, name, "ana", cost=0)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((), {}, TypeError, "key"),
        (("ana", 1), {}, TypeError, "positional"),
        (("ana",), {"price": 1}, TypeError, "price"),
        (("ana",), {"cost": 1, "price": 1}, TypeError, "price"),
        (("ana",), {"key": "bob"}, TypeError, "key"),
        ((b"ana",), {}, ConfigError, "key must be a str"),
        (("",), {}, ConfigError, "empty"),
        (("x" * 1025,), {}, ConfigError, "1025"),
        (("ana",), {"cost": True}, ConfigError, "True"),
        (("ana",), {"cost": -1}, ConfigError, "-1"),
        (("ana",), {"cost": 2**32}, ConfigError, str(2**32)),
        (("ana",), {"cost": 2**70}, ConfigError, str(2**70)),
        (("ana",), {"cost": "1"}, ConfigError, "an int"),
    ],
)
def test_a_wrong_call_is_refused_in_the_words_of_every_method(
    name: str, arguments: Any, options: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        getattr(limiter(), name)(*arguments, **options)
    with pytest.raises(error) as expected:
        limiter().peek(*arguments, **options)

    assert str(caught.value).replace(f"{name}()", "peek()") == str(expected.value)
    assert type(caught.value) is type(expected.value)


@pytest.mark.parametrize("name", METHODS)
def test_the_method_wants_a_limiter(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(Limiter, name)("not a limiter", "ana")


@pytest.mark.parametrize("name", METHODS)
def test_signature_and_documentation_are_kept(name: str) -> None:
    method = getattr(Limiter, name)

    assert list(inspect.signature(method).parameters) == ["self", "key", "cost"]
    assert inspect.signature(method).parameters["cost"].kind is inspect.Parameter.KEYWORD_ONLY
    assert method.__doc__
    assert method.__name__ == name


def test_a_str_of_a_subclass_and_letters_of_all_kinds_are_keys() -> None:
    class Name(str):
        __slots__ = ()

    target = limiter("1/minute")

    assert target.allow(Name("ana"))
    assert not target.allow("ana")
    assert [target.allow(key) for key in ("\u00e9", "\U0001f600", "e\u0301")] == [True] * 3
    assert target.check("\u00e9").key == "\u00e9"


def test_a_subclass_may_override_and_call_on() -> None:
    class Doubling(Limiter):
        def allow(self, key: str, *, cost: int = 1) -> bool:
            return super().allow(key, cost=2 * cost)

    target = Doubling("4/minute", clock=Clock())

    assert [target.allow("ana") for _ in range(3)] == [True, True, False]


def test_calls_leak_no_reference() -> None:
    target, key = limiter("1000000/minute"), "user:" + "42" * 3
    before = sys.getrefcount(key), sys.getrefcount(target)
    for _ in range(1000):
        target.allow(key)
        target.check(key, cost=2)
        target.acheck(key)
        target.check_many([key] * 3)
        with pytest.raises(TypeError):
            target.allow(key, price=1)  # type: ignore[call-arg]
        asyncio.run(awaited(target.aallow(key))) if _ % 250 == 0 else None

    gc.collect()
    assert (sys.getrefcount(key), sys.getrefcount(target)) == before


def test_a_decision_outlives_its_limiter_and_does_not_keep_it() -> None:
    class Mine(Limiter):
        __slots__ = ("__weakref__",)

    target = Mine("5/minute", name="login", clock=Clock())
    decision = target.check("ana")
    gone = weakref.ref(target)
    del target

    assert gone() is None
    assert (decision.rule, decision.remaining, decision.key) == ("login", 4, "ana")
    assert decision.headers()["X-RateLimit-Limit"] == "5"
    assert decision.id == decision.id


async def test_an_answer_may_be_awaited_twice_and_in_a_task() -> None:
    target = limiter("1/minute")
    answer = target.acheck("ana")

    assert await answer is await answer
    assert isinstance(answer, Awaitable)
    assert await asyncio.gather(target.aallow("ana"), target.aallow("bob")) == [False, True]
    assert isinstance(await asyncio.wait_for(target.acheck("ana"), 1), Decision)


def test_an_answer_is_an_iterator_that_returns_at_once() -> None:
    answer: Any = limiter().aallow("ana")

    with pytest.raises(StopIteration) as stopped:
        next(answer.__await__())
    assert stopped.value.value is True
    with pytest.raises(TypeError, match="cannot create"):
        type(answer)()
