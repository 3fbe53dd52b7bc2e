"""The setting TIDEGATE: what the checks say, and what decorators refuse."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.views import View

from tests.frameworks import test_django
from tidegate import ConfigError, Gate, Rule
from tidegate.django import TideGateMiddleware, checks, exempt, ratelimit, shared_limit
from tidegate.django._state import current_state
from tidegate.testing import Clock, assert_limited

__all__ = ["test_django"]  # which configures Django

OURS = "tidegate.django.TideGateMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("tidegate.") for message in messages]


@pytest.mark.parametrize(
    ("setting", "expected", "said"),
    [
        ([1], ["E001"], "must be a dict"),
        ({"Default": "5/m"}, ["E002"], "did you mean 'default'"),
        ({"stroe": "memory://"}, ["E002"], "did you mean 'store'"),
        ({"store": 5}, ["E003"], "`store`"),
        ({"trusted_proxies": ["x"]}, ["E003"], "trusted_proxies"),
        ({"key": "usr"}, ["E003"], "usr"),
        ({"on_breach": "no.where"}, ["E003"], "cannot be imported"),
        ({"limit": "5/fortnight", "key": "ip"}, ["E004"], "unknown unit"),
        ({"default": 1.5, "key": "ip"}, ["E004"], "`default`"),
        ({"default": "5/m"}, ["E005"], "say whom to count"),
        ({"rules": {}}, ["E006"], "`rules` must be a list"),
        ({"rules": [{"name": "a", "limit": "5/m"}]}, ["E006"], "`rules[0]`: `key` is missing"),
        ({"rules": [{"name": "a", "limit": "5/m", "key": "ip", "x": 1}]}, ["E006"], "'x'"),
        ({"gate": 5}, ["E007"], "tidegate.Gate"),
        ({"gate": Gate([]), "limit": "5/m", "key": "ip"}, ["E007"], "beside"),
        ({"exempt": "health"}, ["E008"], "list of view names"),
        ({"enabled": "no"}, ["E009"], "True or False"),
        ({"stroe": 1, "limit": "x", "key": "ip"}, ["E002", "E004"], "unknown key"),
        ({"default": "5/m", "key": ["ip", "form:name"], "block": "5m", "block_decay": 60}, [], ""),
        ({"block_decay": 60, "block": "5m"}, [], ""),
        ({"rules": [Rule("a", "5/m", key="ip")], "deny": ["192.0.2.0/24"]}, [], ""),
        (None, [], ""),
    ],
)
def test_what_is_wrong_has_an_id_and_ends_the_start(
    setting: Any, expected: list[str], said: str
) -> None:
    with override_settings(TIDEGATE=setting):
        found = checks.check_settings()
        assert ids(found) == expected
        if not expected:
            current_state()
            return
        assert said in found[0].msg
        with pytest.raises(ConfigError, match=expected[0]):
            current_state()


@pytest.mark.parametrize(
    ("setting", "others", "expected"),
    [
        ({"limit": "5/m", "key": "ip"}, {}, ["W001"]),
        ({"limit": "5/m", "key": "ip"}, {"DEBUG": True}, []),
        ({"limit": "5/m", "key": "ip", "store": "shared://x"}, {}, []),
        ({}, {"USE_X_FORWARDED_HOST": True, "DEBUG": True}, ["W002"]),
        ({"trusted_proxies": 1}, {"USE_X_FORWARDED_HOST": True, "DEBUG": True}, []),
        ({"limit": "5/m", "key": "user"}, {"MIDDLEWARE": [OURS, USERS], "DEBUG": True}, ["W003"]),
        ({"limit": "5/m", "key": "user"}, {"MIDDLEWARE": [USERS, OURS], "DEBUG": True}, []),
        ({"default": "5/m", "key": "user"}, {"MIDDLEWARE": [OURS, USERS], "DEBUG": True}, []),
        ({"default": "5/m", "key": "user"}, {"DEBUG": True}, ["W003"]),
        ({"limit": "5/m", "key": "ip"}, {"MIDDLEWARE": [], "DEBUG": True}, ["W004"]),
        ({"exempt": ["nobody", "/a/**"]}, {"DEBUG": True}, ["W005"]),
        ({}, {"MIDDLEWARE": [OURS, OURS], "DEBUG": True}, ["W006"]),
        ({"enabled": False, "limit": "5/m", "key": "ip"}, {"MIDDLEWARE": []}, []),
    ],
)
def test_what_is_likely_wrong_is_a_warning(
    setting: Any, others: dict[str, Any], expected: list[str]
) -> None:
    with override_settings(**{"TIDEGATE": setting, "MIDDLEWARE": [OURS], **others}):
        assert ids(checks.check_deployment()) == expected


def test_a_decorator_without_a_key_is_an_error_of_the_checks_and_when_called() -> None:
    view = ratelimit("5/minute")(hello)
    with override_settings(TIDEGATE={}):
        assert ids(checks.check_decorators()) == ["E010"]
        with pytest.raises(ConfigError, match="say whom to count"):
            view(RequestFactory().get("/"))
    with override_settings(TIDEGATE={"key": "ip"}):
        assert checks.check_decorators() == []
        assert_limited(lambda: view(RequestFactory().get("/")), limit=5)


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    with override_settings(TIDEGATE={"key": "ip", "clock": Clock()}):
        yield


def test_a_limit_is_called_by_the_dotted_path_of_its_view() -> None:
    request: Any = RequestFactory().get("/")

    ratelimit("1/minute")(hello)(request)

    assert request.tidegate.rule == f"{__name__}.hello"


def test_the_setting_is_read_at_each_request() -> None:
    view = ratelimit("1/minute")(hello)
    requests = RequestFactory()

    assert_limited(lambda: view(requests.get("/")), limit=1)
    with override_settings(TIDEGATE={"key": "ip", "enabled": False}):
        assert [view(requests.get("/")).status_code for _ in range(5)] == [200] * 5


@pytest.fixture
def client() -> Iterator[Client]:
    """Asks `/`, a view below the middleware that nothing but the setting limits."""

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("hello")

    urls: Any = ModuleType("urls")
    urls.urlpatterns = [path("", view)]
    setting = {"default": "2/minute", "key": "ip", "clock": Clock()}
    with override_settings(MIDDLEWARE=[OURS], ROOT_URLCONF=urls, TIDEGATE=setting):
        yield Client()


def test_a_view_that_is_freed_after_it_has_served_is_free(client: Client) -> None:
    assert_limited(lambda: client.get("/"), limit=2)

    exempt(client.get("/").resolver_match.func)

    assert [client.get("/").status_code for _ in range(5)] == [200] * 5


def test_methods_that_clients_make_up_are_not_all_remembered(client: Client) -> None:
    statuses = Counter(client.generic(f"X{number}", "/").status_code for number in range(1500))

    assert statuses == {200: 2, 429: 1498}
    assert len(current_state().plans._known) <= 1024


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"limit": "5/x"}, "unknown unit"),
        ({}, "limit is missing"),
        ({"limit": "5/m", "rate": "5/m"}, "`rate` are both given"),
        ({"limit": "5/m", "scope": "a", "group": "a"}, "`group` are both given"),
        ({"limit": "5/m", "key": "adress"}, "adress"),
        ({"limit": "5/m", "methods": []}, "must not be empty"),
        ({"limit": "5/m", "methods": ["P OST"]}, "HTTP methods"),
        ({"limit": "5/m", "kye": "ip"}, "did you mean 'key'"),
        ({"limit": "5/m", "scope": 5}, "`scope`"),
        ({"limit": "5/m", "charge_on": "banana"}, "banana"),
    ],
)
def test_a_wrong_decorator_is_an_error_where_it_stands(arguments: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ratelimit(**arguments)


def test_what_is_no_view_is_refused() -> None:
    with pytest.raises(ConfigError, match="no limit"):
        ratelimit(hello)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="no class view"):
        ratelimit("5/m", key="ip")(int)
    with pytest.raises(ConfigError, match="needs a view"):
        ratelimit("5/m", key="ip")(5)  # type: ignore[type-var]
    with pytest.raises(ConfigError, match="no request among"):
        ratelimit("5/m", key="ip")(lambda: None)()
    with pytest.raises(ConfigError, match="needs a view"):
        exempt(5)  # type: ignore[type-var]


def test_one_scope_has_one_limit() -> None:
    shared_limit("5/minute", "one-limit", key="ip")(hello)
    with pytest.raises(ConfigError, match="one count has one limit"):
        shared_limit("6/minute", "one-limit", key="ip")(hello)


def test_views_keep_their_signatures_and_subclasses_their_dispatch() -> None:
    from inspect import signature

    class Page(View):
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("page")

    limited = ratelimit("5/m", key="ip")(hello)
    assert signature(limited) == signature(hello)
    assert (limited.__name__, limited.__doc__) == (hello.__name__, hello.__doc__)
    assert ratelimit("5/m", key="ip")(Page) is Page


def test_a_file_describes_the_limits_of_the_project(tmp_path: Path) -> None:
    file = tmp_path / "tidegate.toml"
    file.write_text('[[rules]]\nname = "api"\nkey = "ip"\nlimit = "2/hour"\n')
    request = RequestFactory().get("/")
    with override_settings(TIDEGATE={"config": str(file)}):
        assert checks.check_settings() == []
        middleware = TideGateMiddleware(hello)
        statuses = [middleware(request).status_code for _ in range(3)]
        # One request passes a gate once, however often it comes.
        assert statuses == [200, 200, 200]
        new = [middleware(RequestFactory().get("/")).status_code for _ in range(2)]
        assert new == [200, 429]

    file.write_text('[[rules]]\nname = "api"\nkey = "ip"\nlimit = "2/huor"\n')
    with override_settings(TIDEGATE={"config": str(file)}):
        [found] = checks.check_settings()
        assert ids([found]) == ["E010"]
        assert "tidegate.toml:4:9: rules[0].limit" in found.msg
    with override_settings(TIDEGATE={"config": str(file), "gate": Gate([])}):
        assert ids(checks.check_settings()) == ["E010"]
