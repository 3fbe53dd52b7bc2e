"""The same applications, protected wrongly on purpose: the demo's verdict has to notice.

`unprotected_*` have no limit at all. `gullible_*` believe whatever address a client writes into
its forwarding headers, because they take the whole loopback network for proxies.

The line that protects an application runs when its module is imported. So each factory changes
what that line calls first, which is fit for a process that serves nothing else, and only there.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import tidegate


def unprotected_fastapi() -> Any:
    """Returns the FastAPI application without a limit."""
    return _import_with("fastapi_app", _leave_alone)


def unprotected_flask() -> Any:
    """Returns the Flask application without a limit."""
    return _import_with("flask_app", _leave_alone)


def gullible_fastapi() -> Any:
    """Returns the FastAPI application, which trusts every client of the demo."""
    return _import_with("fastapi_app", _trust_loopback())


def gullible_flask() -> Any:
    """Returns the Flask application, which trusts every client of the demo."""
    return _import_with("flask_app", _trust_loopback())


def _leave_alone(app: object, *_: object, **__: object) -> object:
    return app


def _trust_loopback() -> Any:
    return functools.partial(tidegate.protect_app, trusted_proxies=["127.0.0.0/8"])


def _import_with(module: str, protect: Any) -> Any:
    vars(tidegate)["protect_app"] = protect
    return importlib.import_module(f"demo.apps.{module}").app
