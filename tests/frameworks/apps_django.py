"""A Django project that real servers serve: its views, its URLs, and its two applications.

The settings are in `django_settings`. Views whose names begin alike do the same, sync and async.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.frameworks.django_settings")

from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template import engines
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View

from tidegate import protect_app, rate_limit
from tidegate.django import UNSAFE, exempt, ratelimit, shared_limit

GATE = Path(os.environ.get("TIDEGATE_TEST_GATE", os.devnull))


def wsgi_app() -> Any:
    """The project, WSGI."""
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def asgi_app() -> Any:
    """The project, ASGI."""
    from django.core.asgi import get_asgi_application

    return get_asgi_application()


def wrapped_app() -> Any:
    """The project, ASGI, below a middleware of the protocol that sees the socket."""
    return protect_app(asgi_app(), None)


def make_database() -> None:
    """Makes the tables, and who signs in: `boss` may all, `viewer` may look, `staff` nothing."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import Permission, User

    User.objects.create_superuser("boss", password="boss")
    for name in ("viewer", "staff", "ana"):
        User.objects.create_user(name, password=name, is_staff=name != "ana")
    permission = Permission.objects.get(codename="view_limit")
    User.objects.get(username="viewer").user_permissions.add(permission)


class SyncOnly:
    """A middleware of the old kind, below which Django serves in a thread."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


def hello(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("hello")


async def ahello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def broken(request: HttpRequest) -> HttpResponse:
    raise KeyError("mine")


def moved(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def parts() -> Iterator[bytes]:
    """Three parts, each as soon as the one before was received."""
    for number in range(3):
        deadline = time.monotonic() + 10
        while GATE.stat().st_size < number and time.monotonic() < deadline:
            time.sleep(0.005)
        yield b"part %d;" % number


async def aparts() -> Any:
    import asyncio

    made = parts()
    while part := await asyncio.to_thread(next, made, b""):
        yield part


def stream(request: HttpRequest) -> StreamingHttpResponse:
    is_async = hasattr(request, "scope")
    return StreamingHttpResponse(aparts() if is_async else parts())


def told(request: HttpRequest) -> JsonResponse:
    """What the request knows, by attribute and by template tag."""
    text = "{% load tidegate %}{% tidegate_remaining %}"
    template = engines["django"].from_string(text)
    decision: Any = getattr(request, "tidegate", None)
    return JsonResponse(
        {
            "remaining": None if decision is None else decision.remaining,
            "rule": None if decision is None else decision.rule,
            "shown": template.render({}, request),
        }
    )


@ratelimit("2/hour", key="ip", block=False)
def unblocked(request: Any) -> JsonResponse:
    return JsonResponse({"limited": request.limited})


@rate_limit("2/hour", key="ip")
def send_mail() -> str:
    """Limited, and below the view: no request is handed on."""
    return "sent"


def below(request: HttpRequest) -> HttpResponse:
    return HttpResponse(send_mail())


@ratelimit("2/hour", key="ip", on_breach=lambda request, decision: ({"wait": request.path}, 420))
def answered(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


@ratelimit(key="header:x-api-key", rate="2/h", method=UNSAFE, group="writes")
def writes(request: HttpRequest) -> HttpResponse:
    return HttpResponse("written")


def tenant(request: HttpRequest) -> str:
    return request.GET.get("tenant", "nobody")


async def atenant(request: HttpRequest) -> str:
    return request.GET.get("tenant", "nobody")


@method_decorator(ratelimit("3/hour", key="ip"), name="put")
class Items(View):
    @ratelimit("1/hour", key="ip")
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("items")

    @method_decorator(ratelimit("2/hour", key="ip"))
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("made")

    def put(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("put")

    def patch(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("patched")


@ratelimit("2/hour", key="ip")
class Whole(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("whole")

    post = get


@ratelimit("2/hour", key="ip")
class AsyncWhole(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("whole")


@exempt
class Exempt(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("exempt")


@ratelimit("5/hour", key=["ip", "form:username"], methods="POST", charge_on="401")
def log_in(request: HttpRequest) -> HttpResponse:
    """Wrong passwords are charged, right ones are not."""
    is_right = request.POST.get("password") == "right"
    return HttpResponse("welcome" if is_right else "wrong", status=200 if is_right else 401)


@ratelimit("5/hour", key="ip", charge_on="403")
async def enter(request: HttpRequest) -> HttpResponse:
    """As `log_in`, but async, and it raises."""
    if request.GET.get("password") != "right":
        raise PermissionDenied
    return HttpResponse("welcome")


@ratelimit(
    "1/hour",
    key="ip",
    limit_for="tests.frameworks.apps_django.plan",
    exempt_when=lambda request: request.headers.get("X-Plan") == "staff",
)
def planned(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def plan(key: str, request: HttpRequest) -> str | None:
    return "4/hour" if request.headers.get("X-Plan") == "paid" else None


styled = ratelimit("2/hour", key="ip", headers="draft")(hello)
astyled = ratelimit("2/hour", key="ip", headers="draft")(ahello)
limited = ratelimit("2/hour", key="ip")(hello)
alimited = ratelimit("2/hour", key="ip")(ahello)
by_tenant = ratelimit("2/hour", key=tenant)(hello)
by_tenant_async = ratelimit("2/hour", key=atenant)(ahello)
by_path = ratelimit("2/hour", key="tests.frameworks.apps_django.tenant")(hello)
by_user = ratelimit("2/hour", key="user")(hello)
by_user_async = ratelimit("2/hour", key="user")(ahello)
first = shared_limit("3/hour", "both", key="ip")(hello)
second = shared_limit("3/hour", "both", key="ip")(ahello)


@exempt
def free(request: HttpRequest) -> HttpResponse:
    return HttpResponse("free")


def sign_in(request: HttpRequest) -> HttpResponse:
    """Signs a user in by name, without a password."""
    from django.contrib.auth import get_user_model, login

    user = get_user_model().objects.get(username=request.GET["name"])
    login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse("welcome")


inner = [path("deep/", hello, name="deep"), path("deeper/<slug:name>/", hello, name="deeper")]
urlpatterns = [
    path("", hello, name="root"),
    path("items/<int:number>/", hello, name="item"),
    path("async/", ahello),
    path("nested/", include((inner, "nested"))),
    path("broken/", broken),
    path("moved/", moved),
    path("forbidden/", forbidden),
    path("stream/", stream),
    path("told/", told),
    path("health/", hello, name="health"),
    path("files/<path:name>", hello),
    path("log-in/", log_in),
    path("enter/", enter),
    path("planned/", planned),
    path("styled/", styled),
    path("astyled/", astyled),
    path("limited/", limited),
    path("alimited/", alimited),
    path("unblocked/", unblocked),
    path("below/", below),
    path("answered/", answered),
    path("writes/", writes),
    path("by-tenant/", by_tenant),
    path("by-tenant-async/", by_tenant_async),
    path("by-path/", by_path),
    path("by-user/", by_user),
    path("by-user-async/", by_user_async),
    path("first/", first),
    path("second/", second),
    path("class/", Items.as_view()),
    path("whole/", Whole.as_view()),
    path("awhole/", AsyncWhole.as_view()),
    path("exempt/", Exempt.as_view()),
    path("free/", free),
    path("sign-in/", sign_in),
]
