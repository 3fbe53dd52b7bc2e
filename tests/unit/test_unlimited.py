"""`tidegate doctor --app`: routes that nothing limits."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tidegate._unlimited import NotFoundError, NotKnownError, Routes, unlimited_routes

FLASK = """
    from flask import Flask
    from tidegate import Rule, Gate, protect_app, rate_limit
    app = Flask(__name__)
    @app.get("/free")
    def free(): return ""
    @app.post("/items/<int:number>")
    def items(number): return ""
    @app.get("/limited")
    @rate_limit("1/hour", key="ip")
    def limited(): return ""
"""
FASTAPI = """
    from fastapi import APIRouter, Depends, FastAPI
    from tidegate import protect_app, rate_limit
    from tidegate.fastapi import RateLimit
    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/shop", dependencies=[Depends(RateLimit("1/hour"))])
    @router.get("/cart")
    def cart(): ...
    @app.get("/free/{number}")
    def free(number: int): ...
    @app.get("/limited")
    @rate_limit("1/hour", key="ip")
    async def limited(): ...
    app.include_router(router)
"""


Audit = Callable[..., Routes]


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audit]:
    """Writes a module and audits its `app`; each under a name of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def audit(code: str, more: str = "") -> Routes:
        name = f"audited_{len(names)}_{tmp_path.name}"
        names.append(name)
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code) + textwrap.dedent(more))
        return unlimited_routes(f"{name}:app")

    yield audit
    for name in names:
        sys.modules.pop(name, None)


def test_routes_of_flask(audited: Audit) -> None:
    pytest.importorskip("flask")
    free = ["GET /free", "POST /items/<int:number>", "GET /static/<path:filename>"]

    routes = audited(FLASK)
    assert (routes.all, sorted(routes.unlimited)) == (4, sorted(free))
    assert audited(FLASK, 'protect_app(app, "9/minute")') == Routes(4, [])
    rule = 'Rule("r", "9/minute", key="ip", match={"path": "/items/*"})'
    routes = audited(FLASK, f"protect_app(app, gate=Gate([{rule}]))")
    assert sorted(routes.unlimited) == ["GET /free", "GET /static/<path:filename>"]


def test_limits_of_the_flask_extension(audited: Audit) -> None:
    pytest.importorskip("flask")
    code = 'from tidegate.flask import TideGate\nTideGate(app, default="9/minute")'

    assert audited(FLASK, code).unlimited == []


def test_routes_of_fastapi(audited: Audit) -> None:
    pytest.importorskip("fastapi")

    assert audited(FASTAPI) == Routes(3, ["GET /free/{number}"])
    whole = FASTAPI.replace("FastAPI(", "FastAPI(dependencies=[Depends(RateLimit('9/hour'))], ")
    assert audited(whole).unlimited == []
    included = FASTAPI.replace(', dependencies=[Depends(RateLimit("1/hour"))]', "")
    routes = audited(included.replace("(router)", '(router, prefix="/v1")'))
    assert routes == Routes(3, ["GET /free/{number}", "GET /v1/shop/cart"])
    assert audited(FASTAPI, 'protect_app(app, "9/minute")') == Routes(3, [])
    code = "from tidegate.asgi import TideGateMiddleware"
    assert audited(FASTAPI, f"{code}\napp = TideGateMiddleware(app, '9/minute')").unlimited == []
    code += "\napp.add_middleware(TideGateMiddleware, limit='9/minute')"
    assert audited(FASTAPI, code).unlimited == []


def test_an_extension_that_cannot_be_looked_at_is_told(audited: Audit) -> None:
    pytest.importorskip("fastapi")
    code = "from tidegate.starlette import TideGate\nTideGate(app, default='9/minute')"

    with pytest.raises(NotKnownError, match="cannot be looked at yet"):
        audited(FASTAPI, code)


def test_what_is_no_application_is_told(audited: Audit) -> None:
    with pytest.raises(NotFoundError, match="write MODULE:NAME"):
        unlimited_routes("main")
    with pytest.raises(NotFoundError, match="cannot be imported: ModuleNotFoundError"):
        unlimited_routes("nobody_made_this:app")
    with pytest.raises(NotKnownError, match="whose routes are not known"):
        audited("app = 5")
    with pytest.raises(NotFoundError, match="cannot be imported: ZeroDivisionError"):
        audited("app = 1 / 0")
