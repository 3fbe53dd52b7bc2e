"""What a limiter adds to a request, in process and without sockets.

Prints one JSON object: notes, and figures by name, in nanoseconds for one request, one for
every round: of the bare application the whole request, of a limited one what it takes longer
than the bare one in the same round, and of a refused one the whole request again. Of the families
`-cold` the same, right after Flask has answered a request and bytes have been sent and received:
what a call that is repeated finds in the processor's caches, a server has pushed out of them. Run
by `./dev bench`.
"""

import argparse
import json
import logging
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.python import apps, web_django, web_fastapi, web_flask
from bench.python.measure import Effort, Subject, in_rounds, pin, timed
from tidegate.asgi import TideGateMiddleware as AsgiMiddleware
from tidegate.wsgi import TideGateMiddleware as WsgiMiddleware

ALLOWING = "1000000000/day"
REFUSING = "1/day"
# Requests between two readings of the clock.
AT_ONCE = 20
Requests = Callable[[int], list[int]]
# Makes a limited application of a limit.
Maker = Callable[[str], Requests]
# What is sent between two cold requests: about a request's and a response's bytes.
MESSAGE = b"x" * 400
# django-ratelimit's guide leaves a refusal at Django's answer to it.
REFUSALS = ({429}, {403})


class Web:
    """Runs the families of applications, and collects their figures."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.figures: dict[str, list[float]] = {}

    def measure(
        self,
        family: str,
        bare: Requests,
        limited: dict[str, Maker],
        *,
        refused: tuple[str, ...] = ("tidegate",),
        idle: dict[str, Requests] | None = None,
        between: Callable[[], object] | None = None,
    ) -> None:
        """Adds the figures of one application in all its forms.

        Args:
            family: what the figures' names begin with, behind `web.`.
            bare: the application alone.
            limited: its forms behind limiters.
            refused: those whose refusals are measured as well.
            idle: its forms behind something that limits nothing.
            between: what is done before every request, and not measured.
        """
        refusing = {name: _refusing(name, make) for name, make in limited.items()}
        added = {name: make(ALLOWING) for name, make in limited.items()} | (idle or {})
        subjects = {"bare": _subject(bare, between)}
        subjects |= {name: _subject(requests, between) for name, requests in added.items()}
        subjects |= {f"refused.{name}": _timed(refusing[name]) for name in refused}
        rows = in_rounds(subjects, lambda: [""] * AT_ONCE, self.effort)
        for name, row in rows.items():
            pairs = zip(row, rows["bare"], strict=True)
            more = [whole - alone for whole, alone in pairs]
            self.figures[f"web.{family}.{name}"] = more if name in added else row


def _refusing(name: str, make: Maker) -> Requests:
    """Returns an application that refuses: what is measured has to limit."""
    requests = make(REFUSING)
    requests(1)  # spends the one that is allowed
    answered = set(requests(3))
    if answered not in REFUSALS:
        raise AssertionError(f"{name} answered {answered}, and should have refused")
    return requests


def _subject(requests: Requests, between: Callable[[], object] | None) -> Subject:
    answered = set(requests(3))
    if answered != {200}:
        raise AssertionError(f"answered {answered} instead of 200")
    return _timed(requests) if between is None else _cold(requests, between)


def _cold(requests: Requests, between: Callable[[], object]) -> Subject:
    def run(keys: list[str]) -> int:
        taken = 0
        for _ in keys:
            between()
            # Not the thread's own time: asking for that goes through the kernel.
            begun = time.perf_counter_ns()
            requests(1)
            taken += time.perf_counter_ns() - begun
        return taken

    return run


def _timed(requests: Requests) -> Subject:
    return timed(lambda keys: requests(len(keys)))


def _asgi(make: Callable[[str], Any]) -> Maker:
    return lambda limit: apps.asgi_requests(make(limit))


def _wsgi(make: Callable[[str], Any]) -> Maker:
    return lambda limit: apps.wsgi_requests(make(limit))


def plain_asgi(web: Web) -> None:
    """The middleware around the least that an application can be."""
    app: Any = apps.plain_asgi
    limited = _asgi(lambda limit: AsgiMiddleware(app, limit, per_ip=True))
    web.measure("asgi", apps.asgi_requests(app), {"tidegate": limited})


def plain_wsgi(web: Web) -> None:
    """The same for WSGI."""
    app: Any = apps.plain_wsgi
    limited = _wsgi(lambda limit: WsgiMiddleware(app, limit, per_ip=True))
    web.measure("wsgi", apps.wsgi_requests(app), {"tidegate": limited})


def cold(web: Web) -> None:
    """Both middlewares, when a server and a framework have been at work since the last request."""
    flask, (near, far) = apps.wsgi_requests(web_flask.bare()), socket.socketpair()

    def between() -> None:
        flask(1)
        for one, other in ((near, far), (far, near)):
            one.sendall(MESSAGE)
            other.recv(len(MESSAGE))

    asgi: Any = apps.plain_asgi
    wsgi: Any = apps.plain_wsgi
    families: dict[str, tuple[Callable[[Any], Requests], Any, Any]] = {
        "asgi-cold": (apps.asgi_requests, asgi, AsgiMiddleware),
        "wsgi-cold": (apps.wsgi_requests, wsgi, WsgiMiddleware),
    }
    with near, far:
        for family, (requests, app, middleware) in families.items():
            around = partial(_around, requests, middleware, app)
            limited = {"tidegate": around({}), "tidegate-silent": around({"headers": "none"})}
            web.measure(family, requests(app), limited, refused=(), between=between)


def _around(
    requests: Callable[[Any], Requests], middleware: Any, app: Any, options: dict[str, str]
) -> Maker:
    return lambda limit: requests(middleware(app, limit, per_ip=True, **options))


def fastapi(web: Web) -> None:
    """FastAPI, tidegate and slowapi."""
    # Around the application, so that what is refused never gets into FastAPI.
    around = _asgi(lambda limit: AsgiMiddleware(web_fastapi.bare(), limit, per_ip=True))
    web.measure(
        "fastapi",
        apps.asgi_requests(web_fastapi.bare()),
        {
            "tidegate": _asgi(web_fastapi.tidegate),
            "slowapi-decorator": _asgi(web_fastapi.slowapi_decorator),
            "slowapi-middleware": _asgi(web_fastapi.slowapi_middleware),
            "slowapi-asgi-middleware": _asgi(web_fastapi.slowapi_asgi_middleware),
            "tidegate-middleware": around,
        },
        refused=("tidegate", "tidegate-middleware"),
    )


def flask(web: Web) -> None:
    """Flask, tidegate and Flask-Limiter."""
    web.measure(
        "flask",
        apps.wsgi_requests(web_flask.bare()),
        {
            "tidegate": _wsgi(web_flask.protected),
            "tidegate-extension": _wsgi(web_flask.extension),
            "flask-limiter": _wsgi(web_flask.flask_limiter),
        },
        idle={"idle-hooks": apps.wsgi_requests(web_flask.with_idle_hooks())},
    )


def django(web: Web) -> None:
    """Django, tidegate and django-ratelimit."""
    web.measure(
        "django",
        apps.wsgi_requests(web_django.bare()),
        {
            "tidegate": _wsgi(web_django.protected),
            "tidegate-middleware": _wsgi(web_django.middleware),
            "django-ratelimit": lambda limit: apps.wsgi_requests(
                web_django.bare(), web_django.limited_path(limit)
            ),
        },
    )


def main() -> None:
    """Runs all families."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--milliseconds", type=float, required=True, help="a subject and round")
    options = parser.parse_args()
    pin()
    logging.disable()  # peers log refusals, which would be measured
    web = Web(Effort(options.rounds, int(options.milliseconds * 1e6)))
    for family in (plain_asgi, plain_wsgi, cold, fastapi, flask, django):
        family(web)
    print(json.dumps({"figures": web.figures, "notes": []}))


if __name__ == "__main__":
    main()
