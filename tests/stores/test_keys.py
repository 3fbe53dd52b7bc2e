"""Keys as an operator sees them: listed from a server, looked at and reset by rule and name."""

import asyncio
import hashlib
import time
from typing import Any

import pytest

from tests.stores.servers import Postgres, Redis
from tidegate import ConfigError, CountedKey, Gate, Limiter, Rule, StoreError


def gate_of(store: str) -> Gate:
    rules = [
        Rule("login", "5/hour; 20/day", key="ip", cost=2),
        Rule("keys", "100/hour", key="header:x-api-key"),
        Rule("all", "1000/hour"),
    ]
    return Gate(rules, store=store)


def request(address: str, key: bytes) -> dict[str, Any]:
    """An ASGI scope."""
    headers = [(b"x-api-key", key)]
    return {"type": "http", "path": "/", "client": (address, 1), "headers": headers}


def test_a_limiter_lists_its_own_keys(store: str) -> None:
    with (
        Limiter("5/hour", name="ours", store=store) as limiter,
        Limiter("5/hour", name="other", store=store) as other,
    ):
        for key in ("user:1", "user:2", "Zoë", "a\\xff b{%}", "x" * 500):
            limiter.check(key, cost=2)
            other.check(key)
        limiter.check("user:2", cost=3)
        listed = limiter.keys()
        assert [found.key for found in limiter.keys("user:")] == ["user:1", "user:2"]
        assert [found.key for found in limiter.keys("Zo")] == ["Zoë"]
        assert limiter.keys("nobody") == []
        assert len(limiter.keys(limit=2)) == 2
        (first,) = asyncio.run(limiter.akeys("user:", limit=1))
        assert first.key in ("user:1", "user:2")
        assert {found.rule for found in listed} == {"ours"}
        texts = [found.key for found in listed if found.key is not None]
        assert texts == sorted(["user:1", "user:2", "Zoë", "a\\xff b{%}"])
        for text in texts:
            assert limiter.peek(text).remaining == (0 if text == "user:2" else 3)
    (long,) = [found for found in listed if found.key is None]
    assert (long.digest, long.used) == (hashlib.sha256(b"x" * 500).hexdigest()[:32], None)
    spent = next(found for found in listed if found.key == "user:2")
    assert (spent.used, spent.remaining, spent.limit) == (5, 0, 5)
    assert spent.retry_after is not None
    assert spent.reset_after is not None
    assert 700 < spent.retry_after <= 720
    assert 3590 < spent.reset_after <= 3600
    assert "'user:2', used=5 of 5, rule='ours'" in repr(spent)
    with pytest.raises(AttributeError):
        spent.rule = "mine"  # type: ignore[misc]


async def test_a_gate_lists_what_its_decisions_show(store: str) -> None:
    gate = gate_of(store)
    shown: set[tuple[str, str | None]] = set()
    for number, key in enumerate([b"k1", b"\xff\xfe", b"\\xff", "ключ".encode()]):
        decision = gate.admit_asgi(request(f"203.0.113.{number}", key))
        assert decision.allowed
        shown.add(("keys", gate.inspect("keys", _text(key)).key))
    found = await gate.akeys()
    assert {(each.rule, each.key) for each in found if each.rule == "keys"} == shown
    assert ("keys", r"\xff\xfe") in shown
    assert ("keys", r"\x5cxff") in shown
    assert [each.key for each in found if each.rule == "all"] == [""]
    assert len([each for each in found if each.rule == "login"]) == 4
    for each in found:
        decision = await gate.ainspect(each.rule, each.key)
        assert (decision.rule, decision.remaining) == (each.rule, each.remaining)
        assert decision.remaining < decision.limit
        assert (decision.key or "") == each.key
        await gate.areset(each.rule, each.key)
        assert gate.inspect(each.rule, each.key).remaining == each.limit
    assert gate.keys() == []
    gate.close()


def _text(key: bytes) -> str:
    return {b"\xff\xfe": r"\xff\xfe", b"\\xff": r"\x5cxff"}.get(key) or key.decode()


def test_looking_counts_nothing_and_knows_the_rules_own_cost(store: str) -> None:
    gate = gate_of(store)
    for _ in range(2):
        assert gate.admit_asgi(request("203.0.113.9", b"k")).allowed
    refused = gate.inspect("login", "203.0.113.9")
    assert (refused.allowed, refused.remaining, refused.reason) == (False, 1, "limit")
    assert refused.retry_after > 0
    (listed,) = gate.keys("203.")
    assert isinstance(listed, CountedKey)
    assert listed.retry_after == pytest.approx(refused.retry_after, abs=5)
    gate.close()


def test_keys_that_come_and_go_while_they_are_listed(store: str) -> None:
    with Limiter("100/hour", name="stays", store=store) as limiter:
        limiter.check_many([f"stays:{number}" for number in range(2_000)])
        with Limiter("100/second", name="goes", store=store) as brief:
            brief.check_many([f"goes:{number}" for number in range(2_000)])
            listed = limiter.keys(limit=10_000)
            assert {f"stays:{number}" for number in range(2_000)} == {found.key for found in listed}
            assert len(listed) == 2_000
            deadline = time.monotonic() + 10
            while brief.keys():
                assert time.monotonic() < deadline


def test_redis_is_scanned_and_never_asked_for_all_keys(redis: Redis) -> None:
    store = redis.fresh("scanned") + "&timeout=5s"
    before = redis.commands()
    with Limiter("5/hour", store=store) as limiter:
        limiter.check_many([f"key:{number}" for number in range(3_000)])
        assert len(limiter.keys(limit=5_000)) == 3_000
    after = redis.commands()
    assert after.get("keys", 0) == before.get("keys", 0) == 0
    assert after["scan"] > before.get("scan", 0) + 3


async def test_listing_a_frozen_store_blocks_no_loop_and_ends_in_time(
    own: Redis | Postgres,
) -> None:
    gate = gate_of(own.fresh("frozen") + "&timeout=300ms")
    assert gate.inspect("all").allowed
    own.freeze()
    try:
        calls = asyncio.gather(
            gate.akeys(), gate.ainspect("all"), gate.areset("all"), return_exceptions=True
        )
        # A call that blocked the loop would be over before this task goes on.
        await asyncio.sleep(0)
        assert not calls.done()
        outcomes = await calls
    finally:
        own.thaw()
    assert {type(outcome) for outcome in outcomes} == {StoreError}
    gate.close()


@pytest.mark.parametrize("limit", [0, -1, 1_000_001, 2**70])
def test_a_number_of_keys_that_makes_no_sense_is_refused(store: str, limit: int) -> None:
    with Limiter("5/hour", store=store) as limiter, pytest.raises(ConfigError, match="1000000"):
        limiter.keys(limit=limit)
