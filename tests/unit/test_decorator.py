"""`rate_limit` on functions of every kind, outside any request."""

import inspect
from collections.abc import AsyncIterator, Iterator

import pytest

from tidegate import RateLimitExceeded, rate_limit
from tidegate.testing import Clock


def test_over_the_limit_the_body_does_not_run() -> None:
    ran: list[int] = []

    @rate_limit("2/minute", clock=Clock())
    def work(number: int) -> int:
        ran.append(number)
        return number * 2

    assert [work(1), work(number=2)] == [2, 4]
    with pytest.raises(RateLimitExceeded, match="rate limit 'work' reached; retry in 30 s"):
        work(3)
    assert ran == [1, 2]


async def test_a_coroutine_function_stays_one() -> None:
    @rate_limit("1/minute", clock=Clock())
    async def work() -> str:
        return "done"

    assert inspect.iscoroutinefunction(work)
    assert await work() == "done"
    with pytest.raises(RateLimitExceeded):
        await work()


def test_name_docs_and_signature_stay() -> None:
    @rate_limit("1/minute")
    def work(number: int, *, flag: bool = False) -> str:
        """Works."""
        return f"{number}{flag}"

    assert (work.__name__, work.__doc__) == ("work", "Works.")
    assert str(inspect.signature(work)) == "(number: int, *, flag: bool = False) -> str"


def test_methods_are_limited_over_all_instances() -> None:
    class Service:
        @rate_limit("1/minute", clock=Clock())
        def work(self) -> str:
            return "done"

        @staticmethod
        @rate_limit("1/minute", clock=Clock())
        def static() -> str:
            return "done"

        @classmethod
        @rate_limit("1/minute", clock=Clock())
        def of_class(cls) -> str:
            return cls.__name__

    assert (Service().work(), Service.static(), Service.of_class()) == ("done", "done", "Service")
    for call in (Service().work, Service.static, Service.of_class):
        with pytest.raises(RateLimitExceeded):
            call()


def test_functions_of_one_name_do_not_share_a_count() -> None:
    def make() -> object:
        @rate_limit("1/minute", clock=Clock())
        def work() -> str:
            return "done"

        return work()

    assert [make(), make()] == ["done", "done"]


def test_a_generator_is_charged_when_its_first_value_is_asked_for() -> None:
    @rate_limit("1/minute", clock=Clock())
    def numbers() -> Iterator[int]:
        yield from (1, 2)

    assert inspect.isgeneratorfunction(numbers)
    unused = numbers()
    assert list(numbers()) == [1, 2]
    with pytest.raises(RateLimitExceeded):
        next(unused)


def test_a_generator_is_still_sent_to_thrown_into_and_closed() -> None:
    seen: list[object] = []

    @rate_limit("9/minute")
    def echo():  # type: ignore[no-untyped-def]
        try:
            while True:
                try:
                    seen.append((yield len(seen)))
                except KeyError as error:
                    seen.append(error.args)
        finally:
            seen.append("closed")

    generator = echo()
    next(generator)
    generator.send("sent")
    generator.throw(KeyError("thrown"))
    generator.close()

    assert seen == ["sent", ("thrown",), "closed"]


async def test_an_async_generator_is_charged_when_its_first_value_is_asked_for() -> None:
    @rate_limit("1/minute", clock=Clock())
    async def numbers() -> AsyncIterator[int]:
        yield 1
        yield 2

    assert inspect.isasyncgenfunction(numbers)
    assert [number async for number in numbers()] == [1, 2]
    with pytest.raises(RateLimitExceeded):
        await anext(numbers())


async def test_an_async_generator_is_still_sent_to_thrown_into_and_closed() -> None:
    seen: list[object] = []

    @rate_limit("9/minute")
    async def echo():  # type: ignore[no-untyped-def]
        try:
            while True:
                try:
                    seen.append((yield len(seen)))
                except KeyError as error:
                    seen.append(error.args)
        finally:
            seen.append("closed")

    generator = echo()
    await anext(generator)
    await generator.asend("sent")
    await generator.athrow(KeyError("thrown"))
    await generator.aclose()

    assert seen == ["sent", ("thrown",), "closed"]


def test_a_cost_is_taken_at_each_call() -> None:
    @rate_limit("10/minute", cost=5, clock=Clock())
    def work() -> None: ...

    work()
    work()
    with pytest.raises(RateLimitExceeded):
        work()


def test_the_keyword_form_has_a_burst_and_an_algorithm() -> None:
    clock = Clock()

    @rate_limit(requests=1, period=60, burst=2, algorithm="token_bucket", clock=clock)
    def work() -> None: ...

    work()
    work()
    with pytest.raises(RateLimitExceeded) as caught:
        work()
    assert caught.value.decision.retry_after == 60.0


def test_a_callable_object_may_be_limited() -> None:
    class Work:
        def __call__(self, number: int) -> int:
            return number

    limited = rate_limit("1/minute", clock=Clock())(Work())

    assert limited(5) == 5
    with pytest.raises(RateLimitExceeded, match="'Work'"):
        limited(5)


async def test_a_queue_makes_the_caller_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def record(seconds: float) -> None:
        waits.append(seconds)

    @rate_limit("leaky_bucket: 1/second queue 5s", clock=Clock())
    def work() -> None: ...

    @rate_limit("leaky_bucket: 1/second queue 5s", clock=Clock())
    async def awork() -> None: ...

    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr("asyncio.sleep", record)
    work()
    work()
    await awork()
    await awork()

    assert waits == [1.0, 1.0]


def test_what_the_body_raises_comes_out_and_stays_charged() -> None:
    @rate_limit("1/minute", clock=Clock())
    def work() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        work()
    with pytest.raises(RateLimitExceeded):
        work()
