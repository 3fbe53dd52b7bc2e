"""A small Django project in one file, with limits where a project needs them.

python -m examples.django_app check       # Django's own commands: check, runserver, ...
python -m examples.django_app ask         # asks itself, and prints what is refused
"""

import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path
from django.views import View

from tidegate import Decision
from tidegate.django import exempt, ratelimit


def slow_down(_: HttpRequest, decision: Decision) -> tuple[dict[str, float], int]:
    """What a refused request is answered with."""
    return {"wait": round(decision.retry_after)}, 429


if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DEBUG=True,
        SECRET_KEY="an example's",
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["tidegate.django"],
        MIDDLEWARE=["tidegate.django.TideGateMiddleware"],
        TIDEGATE={"default": "60/minute", "key": "ip", "on_breach": slow_down},
    )


def index(request: HttpRequest) -> HttpResponse:
    """A page that has the default."""
    decision: Decision = request.tidegate  # type: ignore[attr-defined]
    return HttpResponse(f"{decision.remaining} requests left this minute")


@ratelimit("3/minute; 20/hour", key=["ip", "form:username"], methods=["POST"], charge_on="401")
def log_in(request: HttpRequest) -> HttpResponse:
    """Guessing passwords is slow here; knowing one costs nothing."""
    if request.POST.get("password") == "open sesame":
        return HttpResponse("welcome")
    return HttpResponse("wrong", status=401)


@ratelimit("30/minute", key="header:x-api-key")
class Items(View):
    """One count for all items, for each API key."""

    async def get(self, _: HttpRequest, number: int) -> JsonResponse:
        """An item."""
        return JsonResponse({"number": number})


@exempt
def alive(_: HttpRequest) -> HttpResponse:
    """For the load balancer, which is never limited."""
    return HttpResponse("yes")


urlpatterns = [
    path("", index),
    path("log-in/", log_in),
    path("items/<int:number>/", Items.as_view()),
    path("alive/", alive),
]


def ask() -> None:
    """Asks every page a hundred times, and prints how often it answered."""
    get_wsgi_application()
    client = Client()
    for method, page in [
        ("GET", "/"),
        ("POST", "/log-in/"),
        ("GET", "/items/7/"),
        ("GET", "/alive/"),
    ]:
        answers = [client.generic(method, page) for _ in range(100)]
        refused = [answer for answer in answers if answer.status_code == 429]
        last = refused[-1].content.decode() if refused else "never refused"
        print(f"{method} {page}: {len(answers) - len(refused)} of 100; {last}")


if __name__ == "__main__":
    if sys.argv[1:] == ["ask"]:
        ask()
    else:
        execute_from_command_line(sys.argv)
