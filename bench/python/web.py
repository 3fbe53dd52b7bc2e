"""What a limiter adds to a request, in process and without sockets.

Prints one JSON object: notes, and figures by name, in nanoseconds for one request, one for
every round: of the bare application the whole request, of a limited one what it takes longer
than the bare one in the same round, and of a refused one the whole request again. Run by
`./dev bench`.
"""

import argparse
import json
import logging
from collections.abc import Callable
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


class Web:
    """Runs the families of applications, and collects their figures."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self.figures: dict[str, list[float]] = {}

    def measure(
        self,
        family: str,
        bare: Requests,
        limited: dict[str, Requests],
        refusing: dict[str, Requests],
    ) -> None:
        """Adds the figures of one application in all its forms."""
        subjects = {"bare": _subject(bare, 200)}
        subjects |= {name: _subject(requests, 200) for name, requests in limited.items()}
        for name, requests in refusing.items():
            requests(1)  # spends the one that is allowed
            subjects[f"refused.{name}"] = _subject(requests, 429)
        rows = in_rounds(subjects, lambda: [""] * AT_ONCE, self.effort)
        for name, row in rows.items():
            pairs = zip(row, rows["bare"], strict=True)
            added = [whole - alone for whole, alone in pairs]
            self.figures[f"web.{family}.{name}"] = added if name in limited else row


def _subject(requests: Requests, status: int) -> Subject:
    answered = set(requests(3))
    if answered != {status}:
        raise AssertionError(f"answered {answered} instead of {status}")
    return timed(lambda keys: requests(len(keys)))


def plain_asgi(web: Web) -> None:
    """The middleware around the least that an application can be."""
    make: Any = apps.plain_asgi
    web.measure(
        "asgi",
        apps.asgi_requests(make),
        {"tidegate": apps.asgi_requests(AsgiMiddleware(make, ALLOWING, per_ip=True))},
        {"tidegate": apps.asgi_requests(AsgiMiddleware(make, REFUSING, per_ip=True))},
    )


def plain_wsgi(web: Web) -> None:
    """The same for WSGI."""
    make: Any = apps.plain_wsgi
    web.measure(
        "wsgi",
        apps.wsgi_requests(make),
        {"tidegate": apps.wsgi_requests(WsgiMiddleware(make, ALLOWING, per_ip=True))},
        {"tidegate": apps.wsgi_requests(WsgiMiddleware(make, REFUSING, per_ip=True))},
    )


def fastapi(web: Web) -> None:
    """FastAPI, tidegate and slowapi."""
    makers = {
        "tidegate": web_fastapi.tidegate,
        "slowapi-decorator": web_fastapi.slowapi_decorator,
        "slowapi-middleware": web_fastapi.slowapi_middleware,
        "slowapi-asgi-middleware": web_fastapi.slowapi_asgi_middleware,
    }
    # Around the application, so that what is refused never gets into FastAPI.
    around = {
        limit: apps.asgi_requests(AsgiMiddleware(web_fastapi.bare(), limit, per_ip=True))
        for limit in (ALLOWING, REFUSING)
    }
    limited = {name: apps.asgi_requests(make(ALLOWING)) for name, make in makers.items()}
    web.measure(
        "fastapi",
        apps.asgi_requests(web_fastapi.bare()),
        {**limited, "tidegate-middleware": around[ALLOWING]},
        {
            "tidegate": apps.asgi_requests(web_fastapi.tidegate(REFUSING)),
            "tidegate-middleware": around[REFUSING],
        },
    )


def flask(web: Web) -> None:
    """Flask, tidegate and Flask-Limiter."""
    web.measure(
        "flask",
        apps.wsgi_requests(web_flask.bare()),
        {
            "idle-hooks": apps.wsgi_requests(web_flask.with_idle_hooks()),
            "tidegate": apps.wsgi_requests(web_flask.protected(ALLOWING)),
            "tidegate-extension": apps.wsgi_requests(web_flask.extension(ALLOWING)),
            "flask-limiter": apps.wsgi_requests(web_flask.flask_limiter(ALLOWING)),
        },
        {"tidegate": apps.wsgi_requests(web_flask.protected(REFUSING))},
    )


def django(web: Web) -> None:
    """Django, tidegate and django-ratelimit."""
    web.measure(
        "django",
        apps.wsgi_requests(web_django.bare()),
        {
            "tidegate": apps.wsgi_requests(web_django.protected(ALLOWING)),
            "tidegate-middleware": apps.wsgi_requests(web_django.middleware(ALLOWING)),
            "django-ratelimit": apps.wsgi_requests(web_django.bare(), "/limited"),
        },
        {"tidegate": apps.wsgi_requests(web_django.protected(REFUSING))},
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
    for family in (plain_asgi, plain_wsgi, fastapi, flask, django):
        family(web)
    print(json.dumps({"figures": web.figures, "notes": []}))


if __name__ == "__main__":
    main()
