"""What befalls a server, and what its users notice: no error, and a line in the log each way."""

import asyncio
import logging
import time

import pytest

from tests.stores.servers import PASSWORD, Postgres, Redis, free_port, running
from tidegate import Decision, Limiter

OPTIONS = "timeout=100ms&pause=100ms"


def warm(limiter: Limiter, key: str = "warm", seconds: float = 10) -> Decision:
    """Checks until the store decides, and in good time: a slow answer is no recovery."""
    deadline = time.monotonic() + seconds
    while (decision := limiter.check(key)).degraded or limiter.store_stats()["health"] != "up":
        assert time.monotonic() < deadline, limiter.store_stats()
        time.sleep(0.02)
    return decision


@pytest.fixture(autouse=True)
def _listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tidegate")


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The levels of what the log heard, in order."""
    return [record.levelname for record in caplog.records if record.name == "tidegate"]


def away(server: Redis | Postgres, how: str) -> None:
    if how == "frozen":
        server.freeze()
    else:
        server.stop()


def back(server: Redis | Postgres, how: str) -> None:
    if how == "frozen":
        server.thaw()
    elif how == "restarted empty":
        server.restart()
    else:
        server.start()


@pytest.mark.parametrize("how", ["stopped", "frozen", "restarted empty"])
def test_an_outage_is_two_lines_and_no_error(
    own: Redis | Postgres, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Limiter("1000/day", store=own.fresh("outage") + f"&{OPTIONS}") as limiter:
        warm(limiter)
        away(own, how)
        try:
            sync = [limiter.check(f"a{number}") for number in range(10)]

            async def many() -> list[Decision]:
                return await asyncio.gather(*(limiter.acheck(f"b{key}") for key in range(20)))

            awaited = asyncio.run(many())
            health = limiter.store_stats()["health"]
        finally:
            back(own, how)
        assert all(decision.degraded and decision.allowed for decision in sync + awaited)
        assert health == "down"
        warm(limiter)
        assert limiter.store_stats()["health"] == "up"

    assert said(caplog) == ["WARNING", "INFO"]
    assert own.name in caplog.text
    assert limiter.store_stats()["outages"] in (0, 1)


@pytest.mark.parametrize("how", ["stopped", "frozen", "restarted empty"])
def test_afterwards_the_limit_is_exact_again(own: Redis | Postgres, how: str) -> None:
    with Limiter("5/day", store=own.fresh("exact") + f"&{OPTIONS}") as limiter:
        warm(limiter)
        away(own, how)
        try:
            for number in range(5):
                limiter.check(f"a{number}")
        finally:
            back(own, how)
        warm(limiter, "b")
        decisions = [limiter.check("new") for _ in range(8)]
        assert not any(decision.degraded for decision in decisions)
        assert [decision.allowed for decision in decisions] == [True] * 5 + [False] * 3


@pytest.mark.parametrize(
    ("mode", "allowed", "reason"),
    [("open", [True] * 4, None), ("closed", [False] * 4, "store_error")],
)
def test_without_an_answer_the_mode_decides(
    own: Redis | Postgres, mode: str, allowed: list[bool], reason: str | None
) -> None:
    url = own.fresh("mode") + f"&{OPTIONS}"
    with Limiter("2/day", store=url, on_store_error=mode) as limiter:
        own.stop()
        decisions = [limiter.check("a") for _ in range(4)]
        decisions.append(asyncio.run(_acheck(limiter)))
        assert all(decision.degraded for decision in decisions)
        assert [decision.allowed for decision in decisions[:4]] == allowed
        assert decisions[4].allowed == allowed[0]
        assert {decision.reason for decision in decisions} == {reason}
        if mode == "closed":
            assert 0 < decisions[0].retry_after <= 1


async def _acheck(limiter: Limiter) -> Decision:
    return await limiter.acheck("a")


def test_without_an_answer_this_process_counts_from_where_it_was(own: Redis | Postgres) -> None:
    with Limiter("5/day", store=own.fresh("local") + f"&{OPTIONS}") as limiter:
        warm(limiter)
        assert not any(limiter.check("a").degraded for _ in range(3))
        own.stop()
        decisions = [limiter.check("a") for _ in range(4)]
        assert [decision.allowed for decision in decisions] == [True, True, False, False]
        assert all(decision.degraded for decision in decisions)
        assert decisions[-1].reason == "limit"


def test_a_wrong_password_is_an_outage_that_the_log_explains(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running(kind, password=PASSWORD) as server:
        wrong = server.tcp_url.replace(PASSWORD, "not-it-at-all")
        joint = "&" if "?" in wrong else "?"
        with Limiter("5/day", store=f"{wrong}{joint}timeout=2s&failures=1") as limiter:
            decision = limiter.check("a")
            assert decision.degraded
            assert decision.allowed
        assert said(caplog) == ["WARNING"]
        assert "refused access" in caplog.text
        assert "not-it-at-all" not in caplog.text
        right = f"{server.tcp_url}{joint}timeout=5s"
        with Limiter("5/day", store=right) as limiter:
            assert not warm(limiter).degraded


def test_a_server_that_was_never_there(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    scheme = {"redis": "redis", "postgres": "postgresql"}[kind]
    url = f"{scheme}://127.0.0.1:{free_port()}/0?{OPTIONS}"
    with Limiter("3/day", store=url) as limiter:
        decisions = [limiter.check("a") for _ in range(5)]
    assert [decision.allowed for decision in decisions] == [True] * 3 + [False] * 2
    assert said(caplog) == ["WARNING"]
