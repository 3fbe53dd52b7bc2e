"""`tidegate doctor --app`: routes that nothing limits."""

import subprocess
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


DJANGO = """
    from django.conf import settings
    settings.configure(
        ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], INSTALLED_APPS=["tidegate.django"],
        MIDDLEWARE=["tidegate.django.TideGateMiddleware"], TIDEGATE=TIDEGATE,
    )
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import include, path
    from django.views import View
    from tidegate import protect_app, rate_limit
    from tidegate.django import exempt, ratelimit
    def free(request, number=0): return HttpResponse()
    class Cart(View):
        def get(self, request): ...
        @rate_limit("1/hour", key="ip")
        def post(self, request): ...
    urlpatterns = [
        path("free", free, name="free"),
        path("items/<int:number>/", include([path("one", free)])),
        path("cart", Cart.as_view()),
        path("limited", ratelimit("1/hour", key="ip")(lambda request: HttpResponse())),
        path("exempt", exempt(lambda request: HttpResponse())),
    ]
    app = get_wsgi_application()
"""


@pytest.mark.parametrize(
    ("setting", "more", "unlimited"),
    [
        ("{}", "", ["GET /cart", "GET /free", "GET /items/<int:number>/one"]),
        ('{"default": "9/minute", "key": "ip"}', "", []),
        ('{"limit": "9/minute", "key": "ip"}', "", []),
        ('{"default": "9/minute", "key": "ip"}', "settings.MIDDLEWARE.clear()", None),
        ('{"exempt": ["free", "/items/**"]}', "", ["GET /cart"]),
        (
            '{"rules": [Rule("a", "9/minute", key="ip", match={"path": "/items/*/*"})]}',
            "",
            ["GET /cart", "GET /free"],
        ),
        ("{}", 'app = protect_app(app, "9/minute")', []),
    ],
)
def test_views_of_django(
    tmp_path: Path, setting: str, more: str, unlimited: list[str] | None
) -> None:
    pytest.importorskip("django")
    everything = ["GET /cart", "GET /free", "GET /items/<int:number>/one"]
    told = of_django(tmp_path, setting, more)
    assert told == f"6 {everything if unlimited is None else unlimited}\n"


def test_views_of_rest_framework(tmp_path: Path) -> None:
    pytest.importorskip("rest_framework")
    more = """
from rest_framework.views import APIView
from tidegate.drf import AnonRateThrottle
class Open(APIView):
    def get(self, request): ...
class Throttled(Open):
    throttle_classes = [AnonRateThrottle]
urlpatterns = [path("open", Open.as_view()), path("throttled", Throttled.as_view())]
"""
    assert of_django(tmp_path, "{}", more) == "2 ['GET /open']\n"


def of_django(folder: Path, setting: str, more: str) -> str:
    """Audits a project in a process of its own, which has one setting."""
    first = f"from tidegate import Rule\nTIDEGATE = {setting}\n"
    (folder / "shop.py").write_text(first + textwrap.dedent(DJANGO) + more)
    code = (
        "from tidegate._unlimited import unlimited_routes as found; it = found('shop:app'); "
        "print(it.all, sorted(it.unlimited))"
    )
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    return told.stdout
