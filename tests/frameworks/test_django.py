"""Django: both handlers behind the gate, and single views."""

import types
from collections.abc import Iterator
from typing import Any

import django
import httpx
import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import (
    AsyncClient,
    AsyncRequestFactory,
    Client,
    RequestFactory,
    override_settings,
)
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from tests.unit.test_wsgi import Answer
from tidegate import RateLimitExceeded, asgi, protect_app, rate_limit, wsgi
from tidegate.testing import Clock, assert_limited

FIELDS = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def broken(request: HttpRequest) -> HttpResponse:
    raise KeyError("mine")


class Items(View):
    clock = Clock()

    @rate_limit("1/minute", key="ip", clock=clock)
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("items")

    @method_decorator(rate_limit("2/minute", key="ip", clock=clock))
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("made")


urls = types.ModuleType("urls")
urls.urlpatterns = [  # type: ignore[attr-defined]
    path("", hello),
    path("broken", broken),
    path("items", Items.as_view()),
]

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=urls, SECRET_KEY="test", DEBUG=False, LOGGING_CONFIG=None
    )
    django.setup()


def test_the_wsgi_handler_is_protected_with_fields_on_every_response() -> None:
    app = protect_app(WSGIHandler(), "4/minute", clock=Clock())

    assert isinstance(app, wsgi.TideGateMiddleware)
    answers = [Answer(app, PATH_INFO=path) for path in ("/", "/missing", "/broken", "/", "/")]
    assert [answer.code for answer in answers] == [200, 404, 500, 200, 429]
    for answer in answers:
        assert [field for field in FIELDS if field not in answer.fields] == []


async def test_the_asgi_handler_is_protected() -> None:
    app = protect_app(ASGIHandler(), "1/minute", clock=Clock())

    assert isinstance(app, asgi.TideGateMiddleware)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        first, second = await client.get("/"), await client.get("/")

    assert (first.status_code, first.headers["x-ratelimit-remaining"]) == (200, "0")
    assert (second.status_code, second.headers["retry-after"]) == (429, "60")


def test_a_limited_view_answers_with_djangos_own_response() -> None:
    view = rate_limit("2/minute", key="ip", clock=Clock())(hello)
    requests = RequestFactory()

    refused: Any = assert_limited(lambda: view(requests.get("/")), limit=2)

    assert isinstance(refused, HttpResponse)
    assert refused.headers["Retry-After"] == "30"
    assert [field for field in FIELDS if field not in refused.headers] == []
    assert view(requests.get("/", REMOTE_ADDR="192.0.2.9")).status_code == 200


async def test_a_refusal_has_the_header_fields_of_the_middleware_around_and_no_others() -> None:
    @rate_limit("1/minute", key="ip", clock=Clock())
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("hello")

    routes: Any = types.ModuleType("routes")
    limited = rate_limit("1/minute", key="ip", clock=Clock())(hello)
    routes.urlpatterns = [path("sync", limited), path("async", view)]
    setting = {"headers": "draft", "key": "ip"}
    ours = ["tidegate.django.TideGateMiddleware"]
    with override_settings(MIDDLEWARE=ours, ROOT_URLCONF=routes, TIDEGATE=setting):
        answers = [await AsyncClient().get(url) for url in ("/sync", "/async") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429, 200, 429]
    for answer in answers:
        shown = sorted(name for name in answer.headers if "ratelimit" in name.lower())
        assert shown == ["RateLimit", "RateLimit-Policy"]


async def test_an_async_view_may_be_limited() -> None:
    @rate_limit("1/minute", key="ip", clock=Clock())
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("hello")

    requests = AsyncRequestFactory()

    def from_address(address: str) -> Any:
        request: Any = requests.get("/")
        request.scope["client"] = (address, 5000)
        return view(request)

    statuses = [
        (await from_address(address)).status_code
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
    ]

    assert statuses == [200, 429, 200]


def test_a_refused_generator_raises_since_it_cannot_answer() -> None:
    @rate_limit("1/minute", clock=Clock())
    def rows(request: HttpRequest) -> Iterator[bytes]:
        yield b"row"

    request = RequestFactory().get("/")

    assert list(rows(request)) == [b"row"]
    with pytest.raises(RateLimitExceeded):
        list(rows(request))


def test_a_decorator_applied_anew_at_each_request_keeps_its_count() -> None:
    # As `method_decorator` does, and as a view that decorates inside a view does.
    limit = rate_limit("2/minute", clock=Clock())

    assert_limited(lambda: limit(hello)(RequestFactory().get("/")), limit=2)


def test_views_of_a_class_are_limited_each_by_itself() -> None:
    client = Client()

    assert_limited(lambda: client.get("/items"), limit=1)
    assert_limited(lambda: client.post("/items"), limit=2)


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/plain"])
def test_the_body_suits_what_the_client_accepts(accept: str) -> None:
    view = rate_limit("0/minute")(hello)

    refused = view(RequestFactory().get("/", headers={"accept": accept}))

    kind = refused.headers["Content-Type"].partition(";")[0]
    assert kind == {"application/json": "application/problem+json"}.get(accept, accept)


def test_the_callable_is_given_djangos_own_request() -> None:
    view = rate_limit("1/minute", key=lambda request: request.GET["user"], clock=Clock())(hello)

    statuses = [
        view(RequestFactory().get(f"/?user={user}")).status_code
        for user in ("ana", "bob", "ana", "%ff%fe", "x" * 5000)
    ]

    assert statuses == [200, 200, 429, 200, 200]
