"""A limiter looks once, before its first decision, whether it has siblings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate import Limiter, _workers


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(_workers, "warn_of_siblings", lambda: seen.append("looked"))
    return seen


@pytest.mark.parametrize(
    "use",
    [
        lambda limiter: limiter.allow("a"),
        lambda limiter: limiter.check("a"),
        lambda limiter: limiter.check_many(["a", "b"]),
        lambda limiter: limiter.allow_many(["a", "b"]),
        lambda limiter: limiter.acheck("a"),
    ],
)
def test_it_looks_before_the_first_decision_of_any_kind_and_never_again(
    looks: list[str], use: Callable[[Limiter], Any]
) -> None:
    limiter = Limiter("100/minute")

    for _ in range(3):
        use(limiter)

    assert looks == ["looked"]


def test_a_shared_table_needs_no_look(looks: list[str], tmp_path: Path) -> None:
    limiter = Limiter("100/minute", store=f"shared://{tmp_path}/table")

    assert limiter.allow("a")
    assert limiter.check("a")
    assert looks == []
