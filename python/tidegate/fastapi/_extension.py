"""`TideGate` for FastAPI: Starlette's, and the limits are in the OpenAPI document."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.applications import Starlette

from tidegate import starlette
from tidegate.fastapi._document import describe

__all__ = ["TideGate"]


class TideGate(starlette.TideGate):
    __doc__ = starlette.TideGate.__doc__

    def init_app(self, app: Starlette) -> None:
        """Puts the limits around an application, and the 429 into its OpenAPI document.

        Raises:
            ConfigError: it is no Starlette or FastAPI application, or it has served already.
        """
        super().init_app(app)
        if isinstance(app, FastAPI):
            describe(app, self)
