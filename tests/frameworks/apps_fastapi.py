"""The FastAPI applications that real servers serve, each in a process of its own.

They run with the oldest and the newest supported versions. `x-user` in a request says who is
signed in. The clock stands still, so a quota never comes back.
"""

from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Header, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from tests.frameworks.apps_starlette import ByHeader, aparts, done, folder, mark
from tidegate import RateLimitExceeded, rate_limit
from tidegate.fastapi import RateLimit, TideGate
from tidegate.testing import Clock

CLOCK = Clock()
# Against an address, so that what one test spends is not missed by another.
EACH: Any = {"key": "ip", "clock": CLOCK}

# `fastapi_app`: `TideGate` around the application.

gate = TideGate(default="2/minute", per_ip=True, clock=CLOCK)
inner, middle, outer = APIRouter(), APIRouter(prefix="/middle"), APIRouter()


@inner.get("/job/{number}")
def work(number: int) -> int:
    return number


@inner.get("/ajob/{number}")
async def awork(number: int) -> int:
    return number


@inner.get("/own")
@gate.limit("3/minute")
def own() -> str:
    return "own"


@gate.limit("3/minute")
@inner.get("/aown")
async def aown() -> str:
    return "own"


@inner.get("/health")
@gate.exempt
async def health() -> str:
    return "well"


@inner.get("/first")
@gate.shared_limit("3/minute", "together")
def first() -> str:
    return "first"


@inner.get("/second")
@gate.shared_limit("3/minute", "together")
async def second() -> str:
    return "second"


@outer.get("/decorated")
@rate_limit("1/minute", **EACH)
def decorated() -> str:
    return "ok"


@outer.get("/adecorated")
@rate_limit("1/minute", **EACH)
async def adecorated() -> str:
    return "ok"


@outer.get("/task")
async def task(tasks: BackgroundTasks) -> str:
    tasks.add_task(done.append, "task")
    return "ok"


@outer.get("/tasks")
@gate.exempt
async def tasks() -> list[str]:
    return done


@outer.get("/stream")
@gate.limit("1000/minute")
async def stream() -> StreamingResponse:
    return StreamingResponse(aparts())


@outer.get("/broken")
async def broken() -> str:
    raise KeyError("mine")


@outer.get("/denied")
async def denied() -> str:
    raise HTTPException(403)


@outer.get("/valid")
async def valid(number: int) -> int:
    return number


class Shop:
    """Handlers that are methods."""

    def __init__(self, stock: str) -> None:
        self.stock = stock

    def show(self) -> str:
        return self.stock


shop = Shop("much")
outer.get("/class")(gate.limit("1/minute")(shop.show))


@outer.websocket("/socket")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


def fastapi_app() -> Any:
    """Nested routers, a mounted application, a folder; limits by default and one by one."""
    app = FastAPI(
        middleware=[
            Middleware(GZipMiddleware, minimum_size=1),
            Middleware(BaseHTTPMiddleware, dispatch=mark),
            Middleware(AuthenticationMiddleware, backend=ByHeader()),
        ]
    )
    gate.init_app(app)
    middle.include_router(inner, prefix="/inner")
    outer.include_router(middle)
    sub = FastAPI()
    sub.include_router(inner)
    app.include_router(outer, prefix="/outer")
    app.include_router(inner, prefix="/again")
    app.mount("/sub", sub)
    app.mount("/static", folder())
    return app


# `dependencies_app`: `RateLimit` on the application, on routers and on routes, and nothing
# around it.

router = APIRouter(prefix="/router", dependencies=[Depends(RateLimit("3/minute", **EACH))])
nested = APIRouter()
nine = RateLimit("7/minute", **EACH)
twice = RateLimit(times=2, minutes=1, **EACH)


async def signed_in(x_user: str = Header("")) -> str:
    """Who the header `x-user` says is signed in."""
    if not x_user:
        raise HTTPException(401)
    return x_user


def user_key(user: str = Depends(signed_in)) -> str:
    """A key that is a dependency."""
    return f"user:{user}"


def by_key(request: Request) -> str:
    """A key that is a function of the request."""
    return request.headers["x-api-key"]


def teapot(request: Request, decision: Any) -> Any:
    """An answer that is a response."""
    return PlainTextResponse(f"{request.url.path} {decision.limit}", 418)


async def short(request: Request, decision: Any) -> Any:
    """An answer in short."""
    return {"wait": decision.retry_after}, 420, {"x-mine": "1"}


@router.get("/a")
def a() -> str:
    return "a"


@nested.get("/b")
async def b() -> str:
    return "b"


@nested.get("/sync", dependencies=[Depends(RateLimit("2/minute", **EACH))])
def sync_route() -> str:
    return "ok"


@nested.get("/async", dependencies=[Depends(twice), Depends(twice)])
async def async_route() -> str:
    return "ok"


@nested.get("/left")
async def left(decision: Annotated[Any, Depends(nine)]) -> int:
    remaining: int = decision.remaining
    return remaining


@nested.get("/user", dependencies=[Depends(RateLimit("2/minute", key=user_key, clock=CLOCK))])
def user() -> str:
    return "ok"


@nested.get("/key", dependencies=[Depends(RateLimit("2/minute", key=by_key, clock=CLOCK))])
def key() -> str:
    return "ok"


@nested.get("/teapot", dependencies=[Depends(RateLimit("1/minute", on_breach=teapot, **EACH))])
def made() -> str:
    return "ok"


@nested.get("/short", dependencies=[Depends(RateLimit("1/minute", on_breach=short, **EACH))])
async def shortly() -> str:
    return "ok"


@nested.websocket("/socket", dependencies=[Depends(RateLimit("1/minute", **EACH))])
async def limited_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


def dependencies_app() -> Any:
    """Eight a minute in all, three on the router `/router`, and what each route says."""
    app = FastAPI(dependencies=[Depends(RateLimit("8/minute", **EACH))])
    router.include_router(nested, prefix="/nested")
    app.include_router(router)
    app.include_router(nested)
    return app


def handled_app() -> Any:
    """A user's own handler of refusals."""
    app = FastAPI()

    @app.exception_handler(RateLimitExceeded)
    async def sorry(request: Request, error: RateLimitExceeded) -> Any:
        return PlainTextResponse(f"wait {error.decision.retry_after}", 429)

    @app.get("/", dependencies=[Depends(RateLimit("1/minute", **EACH))])
    def root() -> str:
        return "ok"

    return app


def whole_app() -> Any:
    """A limit for the whole application; one route is free."""
    app = FastAPI(middleware=[Middleware(AuthenticationMiddleware, backend=ByHeader())])
    whole = TideGate(app, "3/minute", per_ip=True, clock=CLOCK)
    app.get("/")(lambda: "ok")
    app.get("/health")(whole.exempt(health))
    app.mount("/static", folder())
    return app
