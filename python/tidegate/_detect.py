"""What kind of application an object is, told without importing any framework.

A framework that is not loaded cannot have made the object; one that is loaded is asked for its
classes. Everything else is told by how it can be called.
"""

from __future__ import annotations

import sys
from inspect import Parameter, isclass, ismodule, signature

from tidegate._keys import is_async
from tidegate.errors import ConfigTypeError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    Kind: TypeAlias = Literal["flask", "starlette", "aiohttp", "asgi", "wsgi"]

_RIGHT = (
    "pass the application object: Flask, FastAPI, Starlette, Django's get_wsgi_application() or "
    "get_asgi_application(), or any other WSGI or ASGI 3 application"
)
# What people hand over instead of the application, and what to do.
_PARTS = (
    ("flask.blueprints", "Blueprint", "a Flask blueprint"),
    ("fastapi.routing", "APIRouter", "a FastAPI router"),
)
_ASGI_ARGUMENTS = 3
_WSGI_ARGUMENTS = 2


def kind_of(app: object) -> Kind:
    """Returns what `app` is.

    Raises:
        ConfigTypeError: it is no application; says what it is and what would be right.
    """
    if _is_instance(app, "flask", "Flask"):
        return "flask"
    if _is_instance(app, "starlette.applications", "Starlette"):
        return "starlette"
    if _is_instance(app, "aiohttp.web", "Application"):
        return "aiohttp"
    _refuse_what_is_known(app)
    parameters = _positional(app)
    takes_three = _takes(parameters, _ASGI_ARGUMENTS)
    if is_async(app):
        if takes_three:
            return "asgi"
        raise _wrong(app, "an async function or object that does not take (scope, receive, send)")
    if any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in parameters):
        raise _wrong(
            app,
            "callable with anything",
            "wrap it in tidegate.asgi.TideGateMiddleware "
            "or tidegate.wsgi.TideGateMiddleware, whichever fits",
        )
    takes_two = _takes(parameters, _WSGI_ARGUMENTS)
    if takes_two and not (takes_three and parameters[0].name == "scope"):
        return "wsgi"
    if takes_three:
        return "asgi"  # an ordinary function that returns the coroutine
    if len(parameters) == 1 and parameters[0].name == "scope":
        raise _wrong(app, *_ASGI_2)
    raise _wrong(
        app, "callable, but neither with (scope, receive, send) nor with (environ, start_response)"
    )


_ASGI_2 = (
    "an ASGI 2 application",
    "make it ASGI 3 with asgiref.compatibility.guarantee_single_callable",
)


def leads_to_environ(app: Any) -> bool:
    """Whether all that runs behind the `wsgi_app` of a Flask application has Flask's context.

    What somebody has put around it runs before there is one.
    """
    flask: Any = sys.modules["flask"]
    return getattr(app.wsgi_app, "__func__", None) is flask.Flask.wsgi_app


def _refuse_what_is_known(app: object) -> None:
    if isinstance(app, str):
        raise _wrong(app, "text", "import the application and pass the object")
    if ismodule(app):
        raise _wrong(app, "a module", "pass the application that is in it")
    for module, name, what in _PARTS:
        if _is_instance(app, module, name):
            raise _wrong(app, what, "protect the application that it belongs to")
    if isclass(app) and not _is_application_class(app):
        raise _wrong(app, "a class", "pass an instance of it")
    if not callable(app):
        raise _wrong(app, "no application")


def _is_application_class(app: type) -> bool:
    """True for a class whose instances are the responses, as WSGI allows."""
    if is_async(getattr(app, "__call__", None)):  # noqa: B004 - the unbound method is wanted
        if _takes(_positional(app), 1):
            raise _wrong(app, *_ASGI_2)
        return False
    return hasattr(app, "__iter__") and _takes(_positional(app), _WSGI_ARGUMENTS)


def _positional(app: object) -> list[Parameter]:
    try:
        parameters = signature(app).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise _wrong(app, "callable in an unknown way") from None
    by_position = (
        Parameter.POSITIONAL_ONLY,
        Parameter.POSITIONAL_OR_KEYWORD,
        Parameter.VAR_POSITIONAL,
    )
    return [parameter for parameter in parameters if parameter.kind in by_position]


def _takes(parameters: list[Parameter], count: int) -> bool:
    """True when a call with so many positional arguments would work."""
    if any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in parameters):
        return True
    needed = sum(parameter.default is Parameter.empty for parameter in parameters)
    return needed <= count <= len(parameters)


def _is_instance(app: object, module: str, name: str) -> bool:
    """True for an instance of a class of a module that is loaded."""
    found = getattr(sys.modules.get(module), name, None)
    return isclass(found) and isinstance(app, found)


def _wrong(app: object, what: str, right: str = _RIGHT) -> ConfigTypeError:
    return ConfigTypeError(
        f"`app` {shorten(app)} of type {type(app).__qualname__} is {what}: {right}"
    )
