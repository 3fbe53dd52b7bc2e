"""Fixtures for the tests of those who use tidegate; pytest loads this by its entry point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tidegate.testing import Clock

# Imported in the fixtures, not above: this module is loaded in every run of pytest, also where
# nobody uses tidegate.


@pytest.fixture
def tidegate_clock() -> Iterator[Clock]:
    """Stops time for every limit that was made without a clock; move it with `advance`."""
    from tidegate.testing import frozen_clock  # noqa: PLC0415 - see above

    with frozen_clock() as clock:
        yield clock


@pytest.fixture
def tidegate_disabled() -> Iterator[None]:
    """Turns every limit off."""
    from tidegate.testing import disabled  # noqa: PLC0415 - see above

    with disabled():
        yield
