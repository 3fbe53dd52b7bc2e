"""Every call of a limiter whose store is a server, and its awaited twin."""

import subprocess
import sys
import threading

import pytest

from tidegate import ConfigError, Limiter, RateLimitExceeded, rate_limit

DAY = 86_400


@pytest.fixture
def limiter(store: str) -> Limiter:
    """Three a day."""
    return Limiter("3/day", name="calls", store=store)


def test_a_check_takes_a_unit_and_says_what_is_left(limiter: Limiter) -> None:
    with limiter:
        decisions = [limiter.check("ana") for _ in range(4)]

    assert [decision.allowed for decision in decisions] == [True, True, True, False]
    assert [decision.remaining for decision in decisions] == [2, 1, 0, 0]
    assert not any(decision.degraded for decision in decisions)
    first, refused = decisions[0], decisions[-1]
    assert (first.limit, first.key, first.rule, first.reason) == (3, "ana", "calls", None)
    assert (first.retry_after, first.delay) == (0, 0)
    assert DAY / 3 - 60 < first.reset_after <= DAY / 3
    assert DAY / 3 - 60 < refused.retry_after <= DAY / 3
    assert DAY - 60 < refused.reset_after <= DAY
    assert refused.reason == "limit"
    assert refused.headers()["X-RateLimit-Remaining"] == "0"


async def test_an_awaited_check_decides_as_check_does(limiter: Limiter) -> None:
    async with limiter:
        decisions = [await limiter.acheck("ana") for _ in range(4)]

    assert [decision.allowed for decision in decisions] == [True, True, True, False]
    assert [decision.remaining for decision in decisions] == [2, 1, 0, 0]
    assert not any(decision.degraded for decision in decisions)
    assert (decisions[0].key, decisions[-1].reason) == ("ana", "limit")


def test_allow_says_yes_or_no(limiter: Limiter) -> None:
    with limiter:
        assert [limiter.allow("ana", cost=2) for _ in range(2)] == [True, False]
        assert limiter.allow("bo", cost=3) is True


async def test_an_awaited_allow_says_yes_or_no(limiter: Limiter) -> None:
    async with limiter:
        assert [await limiter.aallow("ana", cost=2) for _ in range(2)] == [True, False]
        assert await limiter.aallow("bo", cost=3) is True


def test_a_peek_takes_nothing(limiter: Limiter) -> None:
    with limiter:
        assert [limiter.peek("ana").remaining for _ in range(5)] == [3] * 5
        limiter.check("ana", cost=3)
        assert not limiter.peek("ana")


def test_refund_debit_settle_and_reset(limiter: Limiter) -> None:
    with limiter:
        limiter.check("ana", cost=3)
        limiter.refund("ana", cost=2)
        assert limiter.peek("ana").remaining == 2
        limiter.debit("ana")
        assert limiter.peek("ana").remaining == 1
        limiter.reset("ana")
        decision = limiter.check("ana", cost=3)
        assert decision.remaining == 0
        limiter.settle("ana", reserved=3, actual=1, charged_at_ns=decision.charged_at_ns)
        assert limiter.peek("ana").remaining == 2


async def test_awaited_refund_debit_settle_peek_and_reset(limiter: Limiter) -> None:
    async with limiter:
        await limiter.acheck("ana", cost=3)
        await limiter.arefund("ana", cost=2)
        assert (await limiter.apeek("ana")).remaining == 2
        await limiter.adebit("ana")
        assert (await limiter.apeek("ana")).remaining == 1
        await limiter.areset("ana")
        decision = await limiter.acheck("ana", cost=3)
        assert decision.remaining == 0
        await limiter.asettle("ana", reserved=3, actual=1, charged_at_ns=decision.charged_at_ns)
        assert (await limiter.apeek("ana")).remaining == 2


def test_a_refund_ends_a_known_denial(limiter: Limiter) -> None:
    with limiter:
        limiter.check("ana", cost=3)
        assert not limiter.allow("ana")
        limiter.refund("ana")
        assert limiter.allow("ana")


def test_many_keys_at_once(limiter: Limiter) -> None:
    keys = ["ana", "bo", "ana", "ana", "ana"]
    with limiter:
        decisions = limiter.check_many(keys)
        assert [decision.allowed for decision in decisions] == [True] * 4 + [False]
        assert [decision.key for decision in decisions] == keys
        assert limiter.allow_many(["bo", "bo", "bo"]) == [True, True, False]


async def test_many_keys_at_once_awaited(limiter: Limiter) -> None:
    keys = ["ana", "bo", "ana", "ana", "ana"]
    async with limiter:
        decisions = await limiter.acheck_many(keys)
        assert [decision.allowed for decision in decisions] == [True] * 4 + [False]
        assert await limiter.aallow_many(["bo", "bo", "bo"]) == [True, True, False]


def test_more_keys_than_go_in_one_trip(store: str) -> None:
    with Limiter("1/day", store=store) as limiter:
        keys = [f"key:{number}" for number in range(2000)]
        assert all(limiter.allow_many(keys))
        assert not any(limiter.allow_many(keys))


def test_several_limits_are_taken_together_or_not_at_all(store: str) -> None:
    with Limiter("2/hour; 3/day", store=store) as limiter:
        decisions = [limiter.check("ana") for _ in range(3)]
        assert [decision.allowed for decision in decisions] == [True, True, False]
        # The refusal took nothing of the day.
        assert 0 < decisions[-1].retry_after <= DAY / 48


@pytest.mark.parametrize(
    "algorithm",
    ["gcra", "token_bucket", "fixed_window", "sliding_window_log", "sliding_window_counter"],
)
def test_every_algorithm_admits_exactly_its_limit(store: str, algorithm: str) -> None:
    with Limiter("5/day", store=store, algorithm=algorithm) as limiter:
        assert [limiter.allow("ana") for _ in range(7)] == [True] * 5 + [False] * 2


def test_a_reservation_is_settled(store: str) -> None:
    with Limiter("100/day", store=store) as limiter:
        with limiter.reserve("ana", cost=50) as reservation:
            assert limiter.peek("ana").remaining == 50
            reservation.settle(20)
        assert limiter.peek("ana").remaining == 80
        with pytest.raises(KeyError), limiter.reserve("ana", cost=50):
            raise KeyError("mine")
        assert limiter.peek("ana").remaining == 80
        with pytest.raises(RateLimitExceeded), limiter.reserve("ana", cost=90):
            pass


async def test_an_awaited_reservation_is_settled(store: str) -> None:
    async with Limiter("100/day", store=store) as limiter:
        async with limiter.reserve("ana", cost=50) as reservation:
            await reservation.asettle(20)
        assert (await limiter.apeek("ana")).remaining == 80
        with pytest.raises(KeyError):
            async with limiter.reserve("ana", cost=50):
                raise KeyError("mine")
        assert (await limiter.apeek("ana")).remaining == 80


def test_acquire_waits_until_there_is_room(store: str) -> None:
    with Limiter("20/second burst 1", store=store) as limiter:
        assert limiter.acquire("ana")
        assert limiter.acquire("ana", timeout=5)
        refused = limiter.acquire("ana", cost=1, timeout=0)
        assert not refused
        assert limiter.acquire("ana", cost=9).reason == "never"


async def test_an_awaited_acquire_waits_until_there_is_room(store: str) -> None:
    async with Limiter("20/second burst 1", store=store) as limiter:
        assert await limiter.aacquire("ana")
        assert await limiter.aacquire("ana", timeout=5)
        assert not await limiter.aacquire("ana", timeout=0)


def test_two_limiters_and_two_processes_share_counts(store: str) -> None:
    code = (
        "import sys; from tidegate import Limiter;"
        "limiter = Limiter('100/day', store=sys.argv[1]);"
        "print(sum(limiter.allow('ana') for _ in range(60)))"
    )
    argv = [sys.executable, "-c", code, store]
    others = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    with Limiter("100/day", store=store) as one, Limiter("100/day", store=store) as two:
        own = sum(limiter.allow("ana") for _ in range(30) for limiter in (one, two))
        theirs = sum(int(other.communicate()[0]) for other in others)
        assert own + theirs == 100
        assert not one.allow("ana")
        assert not two.allow("ana")


def test_threads_share_a_limiter(store: str) -> None:
    admitted: list[bool] = []
    with Limiter("100/day", store=store) as limiter:

        def work() -> None:
            admitted.extend(limiter.allow("ana") for _ in range(40))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(admitted) == 100


async def test_decorated_functions_count_in_the_store(store: str) -> None:
    @rate_limit("2/day", store=store)
    def plain(word: str) -> str:
        return word

    @rate_limit("2/day", store=store, key=lambda word: word)
    async def awaited(word: str) -> str:
        return word

    assert [plain("a"), plain("b")] == ["a", "b"]
    with pytest.raises(RateLimitExceeded):
        plain("c")
    assert [await awaited("a"), await awaited("a"), await awaited("b")] == ["a", "a", "b"]
    with pytest.raises(RateLimitExceeded) as caught:
        await awaited("a")
    assert not caught.value.decision.degraded


def test_a_limiter_goes_on_after_close(limiter: Limiter) -> None:
    assert limiter.allow("ana")
    limiter.close()
    limiter.close()
    assert [limiter.allow("ana") for _ in range(3)] == [True, True, False]
    limiter.close()


@pytest.mark.parametrize("key", ["", "x" * 10_000])
def test_a_key_that_makes_no_sense_is_refused_without_asking(limiter: Limiter, key: str) -> None:
    with limiter, pytest.raises(ConfigError):
        limiter.check(key)
