"""One Django project: bare, behind tidegate, and behind django-ratelimit."""

from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.urls import path
from django_ratelimit.decorators import ratelimit  # type: ignore[import-not-found]

from tidegate import protect_app

PER_DAY = 1_000_000_000


def hello(_request: HttpRequest) -> HttpResponse:
    """The view."""
    return HttpResponse("hello")


limited = ratelimit(key="ip", rate=f"{PER_DAY}/d", block=True)(hello)
urlpatterns = [path("", hello), path("limited", limited)]

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
    """Returns the project's handler alone; `/limited` is behind django-ratelimit."""
    return WSGIHandler()


def protected(limit: str) -> Any:
    """Returns it behind `protect_app`, counting addresses."""
    return protect_app(WSGIHandler(), limit, per_ip=True)


def middleware(limit: str) -> WSGIHandler:
    """Returns it with tidegate among Django's middleware."""
    ours = ["tidegate.django.TideGateMiddleware", *settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=ours, TIDEGATE={"default": limit, "key": "ip"}):
        return WSGIHandler()
