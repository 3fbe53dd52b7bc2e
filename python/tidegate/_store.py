"""What the log hears of stores that live in a server. Called by the compiled module."""

from __future__ import annotations

import logging

logger = logging.getLogger("tidegate")


def tell(store: str, error: str | None) -> None:
    """Says that a store is away, and why, or that it is back."""
    if error is None:
        logger.info("the store %s answers again; its counts decide", store)
    else:
        logger.warning(
            "the store %s is away (%s); until it is back, on_store_error of each rule decides",
            store,
            error,
        )
