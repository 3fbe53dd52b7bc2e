"""A denial that is known is told again without a word to the server; leases spare words too."""

import asyncio
import subprocess
import sys
import time

from tests.stores.servers import Postgres, Redis
from tidegate import Limiter


def test_a_thousand_refusals_in_a_row_send_no_command(redis: Redis) -> None:
    url = redis.fresh("refused") + "&timeout=5s&recheck=60s"
    with Limiter("2/day", store=url) as limiter:
        assert [limiter.allow("a") for _ in range(3)] == [True, True, False]

        async def refused() -> int:
            decisions = [await limiter.acheck("a") for _ in range(1000)]
            answers = [await limiter.aallow("a") for _ in range(1000)]
            return sum(map(bool, decisions)) + sum(answers)

        before = redis.commands()
        assert sum(limiter.allow("a") for _ in range(1000)) == 0
        assert not any(limiter.check("a") for _ in range(1000))
        assert not any(limiter.allow_many(["a"] * 1000))
        assert asyncio.run(refused()) == 0
        assert redis.commands() == before
        assert int(limiter.store_stats()["known"]) >= 5000


def test_what_a_known_denial_says_is_what_the_server_would_say(store: str) -> None:
    with (
        Limiter("2/hour", store=f"{store}&recheck=60s") as knowing,
        Limiter("2/hour", store=f"{store}&recheck=0s") as asking,
    ):
        knowing.check("a", cost=2)
        knowing.check("a")
        known, asked = knowing.check("a"), asking.check("a")
        assert (known.reason, known.remaining, known.limit) == ("limit", 0, 2)
        assert abs(known.retry_after - asked.retry_after) < 1
        assert abs(known.reset_after - asked.reset_after) < 1


LEASING = """
import sys
from tidegate import Limiter
with Limiter("1000/day", store=sys.argv[1], lease="5s") as limiter:
    print(sum(limiter.allow("a") for _ in range(int(sys.argv[2]))))
"""


def test_four_processes_with_leases_never_exceed_the_limit(store: str) -> None:
    argv = [sys.executable, "-c", LEASING, store, "600"]
    processes = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    taken = sum(int(process.communicate(timeout=50)[0]) for process in processes)
    assert [process.returncode for process in processes] == [0] * 4
    assert taken <= 1000
    # What was held when others were refused is back: nothing is lost.
    with Limiter("1000/day", store=store) as limiter:
        left = sum(limiter.allow("a") for _ in range(1000))
    assert taken + left == 1000


def test_unused_units_come_back_when_it_is_closed(store: str) -> None:
    with Limiter("1000/day", store=store) as looking:
        limiter = Limiter("1000/day", store=store, lease="60s")
        taken = sum(limiter.allow("a") for _ in range(37))
        assert taken == 37
        assert looking.peek("a").remaining < 1000 - 37, "nothing was taken in advance"
        limiter.close()
        assert looking.peek("a").remaining == 1000 - 37


async def test_unused_units_come_back_when_it_is_closed_by_a_loop(store: str) -> None:
    async with Limiter("1000/day", store=store) as looking:
        async with Limiter("1000/day", store=store, lease="60s") as limiter:
            assert sum([await limiter.aallow("a") for _ in range(37)]) == 37
        assert (await looking.apeek("a")).remaining == 1000 - 37


def test_unused_units_come_back_by_themselves(store: str) -> None:
    with (
        Limiter("1000/day", store=store) as looking,
        Limiter("1000/day", store=store, lease="100ms") as limiter,
    ):
        # The clock is the server's: no test's clock makes the lease end.
        assert sum(limiter.allow("a") for _ in range(37)) == 37
        deadline = time.monotonic() + 10
        while looking.peek("a").remaining != 1000 - 37:
            assert time.monotonic() < deadline, looking.peek("a")
            time.sleep(0.02)


def test_leases_spare_most_of_the_commands(redis: Redis) -> None:
    with Limiter("100000/day", store=redis.fresh("lease") + "&timeout=5s", lease="5s") as limiter:
        assert sum(limiter.allow("a") for _ in range(2000)) == 2000
        assert int(limiter.store_stats()["exchanges"]) < 40


def test_a_denial_of_one_cost_says_nothing_of_another(server: Redis | Postgres) -> None:
    url = server.fresh("costs") + "&timeout=5s&recheck=60s"
    with Limiter("3/day", store=url) as limiter:
        assert limiter.allow("a", cost=2)
        assert not limiter.allow("a", cost=2)
        assert limiter.allow("a")
