"""What the type checkers read also runs."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.typing.surface import EVERYTHING


@pytest.mark.parametrize("function", EVERYTHING)
async def test_it_runs(function: Callable[[], Any]) -> None:
    outcome = function()
    if inspect.isawaitable(outcome):
        await outcome
