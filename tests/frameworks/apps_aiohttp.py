"""An aiohttp application with what aiohttp offers, behind the gate.

`/` answers, `/moved` and `/forbidden` raise aiohttp's answers, `/broken` raises, `/stream` sends
parts, `/sub/` is a sub-application, `/view` a class, `/search` a limited function, `/decision`
tells what was decided.
"""

import asyncio
from typing import Any

from aiohttp import web

from tests.frameworks.apps_plain import OPTIONS, of_user_later
from tidegate import protect_app, rate_limit


async def index(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/")


async def forbidden(request: web.Request) -> web.Response:
    raise web.HTTPForbidden(text="no")


async def broken(request: web.Request) -> web.Response:
    raise KeyError("mine")


async def nothing(request: web.Request) -> Any:
    return None


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(3):
        await response.write(b"part %d;" % number)
        await asyncio.sleep(0)
    return response


class View(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="view")


@rate_limit("1/hour", key="ip")
async def search(request: web.Request) -> web.Response:
    return web.Response(text="found")


async def decision(request: web.Request) -> web.Response:
    decided = request["tidegate"]
    return web.json_response([decided.address, decided.key, decided.remaining])


async def echo(request: web.Request) -> web.Response:
    return web.Response(text=str((await request.post())["user"]))


def site() -> web.Application:
    app, sub = web.Application(), web.Application()
    for path, handler in {
        "/": index,
        "/moved": moved,
        "/forbidden": forbidden,
        "/broken": broken,
        "/nothing": nothing,
        "/stream": stream,
        "/search": search,
        "/decision": decision,
    }.items():
        app.router.add_get(path, handler)
    app.router.add_view("/view", View)
    app.router.add_post("/echo", echo)
    sub.router.add_get("/", index)
    app.add_subapp("/sub/", sub)
    return app


def limited(argv: object = None) -> web.Application:
    """The site, with the options in the environment."""
    return protect_app(site(), **OPTIONS)


def users(argv: object = None) -> web.Application:
    """Each user by himself; who it is has to be awaited."""
    return protect_app(site(), "2/hour", key=of_user_later)


def answering(argv: object = None) -> web.Application:
    """Refuses in the user's own words; the callback has to be awaited."""

    async def answer(request: Any, decision: Any) -> Any:
        await asyncio.sleep(0)
        return {"path": request.path, "limit": decision.limit}, 503, {"X-Own": "yes"}

    return protect_app(site(), "1/hour", on_breach=answer)
