"""One key of one rule, looked at and reset without a request, in a store in this process."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tidegate import ConfigError, Gate, Limiter, Rule


def gate_of(store: str) -> Gate:
    return Gate([Rule("paths", "5/hour", key="path", cost=2), Rule("all", "9/hour")], store=store)


@pytest.fixture(params=["memory://", "shared://{}/table"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    url: str = request.param
    return url.format(tmp_path)


def admit(gate: Gate, path: str) -> Any:
    return gate.admit_wsgi({"PATH_INFO": path, "REQUEST_METHOD": "GET", "REMOTE_ADDR": "10.0.0.1"})


def test_a_key_is_what_a_decision_shows(store: str) -> None:
    gate = gate_of(store)
    # PEP 3333: each character is a byte.
    decision = admit(gate, "/a\xff\\xff")
    assert decision.key == r"/a\xff\x5cxff"
    for _ in range(2):
        seen = gate.inspect("paths", decision.key)
        assert (seen.remaining, seen.limit, seen.key) == (3, 5, decision.key)
    assert gate.inspect("all").remaining == 8
    assert gate.inspect("all", "").key is None
    assert gate.inspect("paths", "/b").remaining == 5


def test_a_reset_is_of_one_rule_alone(store: str) -> None:
    gate = gate_of(store)
    assert [admit(gate, "/a").allowed for _ in range(3)] == [True, True, False]
    gate.reset("paths", "/a")
    assert gate.inspect("paths", "/a").remaining == 5
    assert gate.inspect("all").remaining == 7
    asyncio.run(areset(gate))
    assert gate.inspect("all").remaining == 9


async def areset(gate: Gate) -> None:
    assert (await gate.ainspect("all", None)).remaining == 7
    await gate.areset("all")


@pytest.mark.parametrize("call", ["inspect", "reset", "ainspect", "areset"])
def test_a_rule_that_there_is_not_is_named_with_those_that_there_are(call: str) -> None:
    with pytest.raises(ConfigError) as caught:
        getattr(gate_of("memory://"), call)("path", "/a")

    assert str(caught.value) == (
        "there is no rule named `path` (did you mean `paths`?); the rules are `paths`, `all`"
    )


def test_a_store_without_key_texts_says_why_it_lists_nothing(store: str) -> None:
    for counter in (gate_of(store), Limiter("5/hour", store=store)):
        with pytest.raises(ConfigError, match=r"digests.*`inspect`"):
            counter.keys()


async def test_so_it_does_when_awaited(store: str) -> None:
    with pytest.raises(ConfigError, match="digests"):
        await Limiter("5/hour", store=store).akeys()
    with pytest.raises(ConfigError, match="digests"):
        await gate_of(store).akeys()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("paths", 7), "key must be a str"),
        (("paths", b"/a"), "key must be a str"),
    ],
)
def test_a_key_that_is_no_text_is_refused(arguments: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        gate_of("memory://").inspect(*arguments)
