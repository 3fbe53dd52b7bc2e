"""Limits for a Django project: a middleware, decorators for views, and an app with an admin page.

    MIDDLEWARE = ["tidegate.django.TideGateMiddleware", ...]
    TIDEGATE = {"default": "60/minute", "key": "ip", "store": "redis://localhost"}

    @ratelimit("5/minute", methods=["POST"])
    def login(request): ...

Imports Django 4.2 or later, and none of its models: those of the app `tidegate.django`, which is
for INSTALLED_APPS, are imported by Django alone. Without the app, middleware and decorators work;
with it, `manage.py check` looks at the setting, and the admin shows and resets keys.
"""

from tidegate.django._decorator import ALL, UNSAFE, exempt, ratelimit, shared_limit
from tidegate.django._middleware import TideGateMiddleware
from tidegate.django._request import find

__all__ = [
    "ALL",
    "UNSAFE",
    "TideGateMiddleware",
    "exempt",
    "find",
    "ratelimit",
    "shared_limit",
]
