"""What a key callable answers becomes a key that every store takes."""

from functools import partial

import pytest

from tidegate import ConfigError
from tidegate._keys import checked_key, is_async


def source() -> None: ...


@pytest.mark.parametrize("answer", ["ana", "é" * 512, "x" * 1024])
def test_an_ordinary_answer_stays_as_it_is(answer: str) -> None:
    assert checked_key(answer, source) == answer


@pytest.mark.parametrize("answer", ["x" * 1025, "é" * 513, "\udc80", "x" * 1_000_000])
def test_a_long_or_odd_answer_is_digested(answer: str) -> None:
    key = checked_key(answer, source)

    assert key.startswith("blake2b:")
    assert len(key) < 100
    assert key == checked_key(answer, source)
    assert key != checked_key(answer + "y", source)


@pytest.mark.parametrize("answer", [None, "", 42, b"ana"])
def test_an_answer_that_is_no_key_names_the_callable(answer: object) -> None:
    with pytest.raises(ConfigError, match="'source' must return text") as caught:
        checked_key(answer, source)

    assert repr(answer) in str(caught.value)


def test_a_coroutine_where_nobody_awaits_is_named_and_closed() -> None:
    async def late() -> str:
        return "ana"

    with pytest.raises(ConfigError, match="asynchronous key works in asynchronous code"):
        checked_key(late(), late)


def test_async_is_seen_in_methods_objects_and_partials() -> None:
    class Called:
        async def __call__(self, _: object) -> str:
            return "ana"

        async def method(self) -> None: ...

    async def plain(_: object) -> str:
        return "ana"

    assert all(map(is_async, [plain, partial(plain, 1), Called(), Called().method]))
    assert not any(map(is_async, [source, partial(source), lambda: None, Called, len]))
