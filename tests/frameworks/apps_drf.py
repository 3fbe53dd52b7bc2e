"""An API of Django REST framework that real servers serve."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.frameworks.drf_settings")

from django.http import HttpResponse, StreamingHttpResponse
from django.urls import include, path
from rest_framework import permissions, viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view, throttle_classes
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from tests.frameworks.apps_django import asgi_app, wsgi_app
from tidegate.django import ratelimit
from tidegate.drf import (
    AnonRateThrottle,
    ScopedRateThrottle,
    SimpleRateThrottle,
    UserRateThrottle,
)

__all__ = ["asgi_app", "wsgi_app"]


class _User:
    is_authenticated = True

    def __init__(self, name: str) -> None:
        self.pk = name


class ByName(BaseAuthentication):
    """Believes everybody the name in a header field."""

    def authenticate(self, request: Any) -> Any:
        name = request.headers.get("X-Name")
        if name == "nobody":
            raise AuthenticationFailed("nobody")
        return (_User(name), None) if name else None


class Common(APIView):
    authentication_classes = (ByName,)

    def get(self, request: Any) -> Response:
        decision = getattr(request, "tidegate", None)
        return Response({"rule": decision and decision.rule})

    def post(self, request: Any) -> Response:
        return Response({"made": True})


class Anonymous(Common):
    throttle_classes = (AnonRateThrottle,)


class Streamed(Anonymous):
    def get(self, request: Any) -> Any:
        return StreamingHttpResponse(iter([b"part 1;", b"part 2;"]))


class Free(Common):
    throttle_classes = ()


class Answering(Anonymous):
    """Answers what is refused in its own words."""

    def get_exception_handler(self) -> Any:
        return lambda error, context: Response({"slow down for": error.wait}, 429)


class User(Common):
    throttle_classes = (UserRateThrottle,)


class Uploads(Common):
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "uploads"


class Downloads(Common):
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "downloads"


class Scopeless(Common):
    throttle_classes = (ScopedRateThrottle,)


class BurstThrottle(UserRateThrottle):
    scope = "burst"


class SustainedThrottle(UserRateThrottle):
    scope = "sustained"


class Both(Common):
    throttle_classes = (
        SustainedThrottle,
        BurstThrottle,
    )


class Swapped(Common):
    throttle_classes = (
        BurstThrottle,
        SustainedThrottle,
    )


class Tenant(SimpleRateThrottle):
    rate = "2/hour"

    def get_cache_key(self, request: Any, view: Any) -> Any:
        return request.query_params.get("tenant")


class OldRate(UserRateThrottle):
    """Reads rates as `count/minutes`, as many a project does."""

    rate = "2/90"

    def parse_rate(self, rate: Any) -> Any:
        count, minutes = rate.split("/")
        return int(count), int(minutes) * 60


class Tenants(Common):
    throttle_classes = (Tenant,)


class Old(Common):
    throttle_classes = (OldRate,)


class Broken(Common):
    throttle_classes = (UserRateThrottle,)

    def get(self, request: Any) -> Response:
        raise KeyError("mine")


@ratelimit("2/hour", key="ip")
class Decorated(Common):
    pass


@api_view(["GET"])
@throttle_classes([BurstThrottle])
def function(request: Any) -> Response:
    return Response({"hello": True})


@api_view(["GET"])
@ratelimit("2/hour", key="ip")
def inside(request: Any) -> Response:
    return Response({"hello": True})


class Things(viewsets.ViewSet):
    throttle_classes = (UserRateThrottle,)
    permission_classes = (permissions.AllowAny,)

    def list(self, request: Any) -> Response:
        return Response([])

    @ratelimit("1/hour", key="ip")
    def create(self, request: Any) -> Response:
        return Response({}, status=201)


router = SimpleRouter()
router.register("things", Things, basename="thing")
urlpatterns = [
    path("anon/", Anonymous.as_view()),
    path("streamed/", Streamed.as_view()),
    path("free/", Free.as_view()),
    path("answering/", Answering.as_view()),
    path("user/", User.as_view()),
    path("uploads/", Uploads.as_view()),
    path("downloads/", Downloads.as_view()),
    path("scopeless/", Scopeless.as_view()),
    path("both/", Both.as_view()),
    path("swapped/", Swapped.as_view()),
    path("tenants/", Tenants.as_view()),
    path("old/", Old.as_view()),
    path("broken/", Broken.as_view()),
    path("decorated/", Decorated.as_view()),
    path("function/", function),
    path("inside/", inside),
    path("api/", include(router.urls)),
    path("plain/", lambda request: HttpResponse("plain")),
]
