"""What the type checkers read also runs."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tests.typing import flask_surface, surface


@pytest.mark.parametrize("function", [*surface.EVERYTHING, *flask_surface.EVERYTHING])
async def test_it_runs(function: Callable[[], Any]) -> None:
    outcome = function()
    if inspect.isawaitable(outcome):
        await outcome
