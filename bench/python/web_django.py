"""One Django project: bare, behind tidegate, and with django-ratelimit on a view."""

from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.urls import clear_url_caches, path
from django_ratelimit.decorators import ratelimit  # type: ignore[import-not-found]

from tidegate import protect_app


def hello(_request: HttpRequest) -> HttpResponse:
    """The view."""
    return HttpResponse("hello")


urlpatterns = [path("", hello)]

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a benchmark has no secrets",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    SILENCED_SYSTEM_CHECKS=["django_ratelimit.E003", "django_ratelimit.W001"],
    LOGGING_CONFIG=None,
)
django.setup()


def bare() -> WSGIHandler:
    """Returns the project's handler alone."""
    return WSGIHandler()


def protected(limit: str) -> Any:
    """Returns it behind `protect_app`, counting addresses."""
    return protect_app(WSGIHandler(), limit, per_ip=True)


def middleware(limit: str) -> WSGIHandler:
    """Returns it with tidegate among Django's middleware."""
    # A project has one setting: the last one made is for every handler with the middleware.
    settings.TIDEGATE = {"default": limit, "key": "ip"}
    ours = ["tidegate.django.TideGateMiddleware", *settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=ours):
        return WSGIHandler()


def limited_path(limit: str) -> str:
    """Adds a view behind django-ratelimit, and returns its path."""
    rate = limit.replace("/day", "/d")
    name = f"limited/{len(urlpatterns)}"
    urlpatterns.append(path(name, ratelimit(key="ip", rate=rate, block=True)(hello)))
    clear_url_caches()
    return f"/{name}"
