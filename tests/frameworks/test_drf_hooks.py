"""REST framework's hooks, one by one, in a process of their own: settings are one per process."""

import subprocess
import sys

from tests.serving import ROOT

PROGRAM = """
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="test", ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, USE_TZ=True,
    REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": {"user": "2/min", "twice": "1/min; 5/day"}},
    TIDEGATE={},
)
django.setup()

from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory, override_settings
from rest_framework import throttling
from rest_framework.request import Request
from tidegate.drf import AnonRateThrottle, BaseThrottle, SimpleRateThrottle, UserRateThrottle
from tidegate.testing import frozen_clock


def request(address="192.0.2.1", **fields):
    made = Request(RequestFactory().get("/", REMOTE_ADDR=address, **fields))
    made.user = None
    return made


class View:
    pass


def fails(kind, call):
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError("nothing was raised")


# The names and the hooks of REST framework's own.
assert issubclass(SimpleRateThrottle, throttling.BaseThrottle)
for name in ("allow_request", "get_ident", "wait"):
    assert hasattr(BaseThrottle, name)
for name in ("get_cache_key", "get_rate", "parse_rate", "throttle_success", "throttle_failure"):
    assert hasattr(SimpleRateThrottle, name)

with frozen_clock() as clock:
    throttle = UserRateThrottle()
    assert (throttle.num_requests, throttle.duration) == (2, 60.0)
    answers = [UserRateThrottle().allow_request(request(), View()) for _ in range(3)]
    assert answers == [True, True, False]
    # The same instance and view again, as tests ask: each is a request of its own.
    view = View()
    assert throttle.allow_request(request(), view) is False and throttle.wait() == 30.0
    clock.advance(30)
    assert throttle.allow_request(request(), view) is True
    assert throttle.allow_request(request(), view) is False
    # IPv6 counts by network, and IPv4 in IPv6 as IPv4.
    idents = [throttle.get_ident(request(one)) for one in ("2001:db8::1", "::ffff:192.0.2.1")]
    assert idents == ["2001:db8::/64", "192.0.2.1"], idents

    # Rates as they are now, not as they were when classes were made.
    with override_settings(REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": {"user": "1/hour"}}):
        answers = [UserRateThrottle().allow_request(request("192.0.2.7"), View()) for _ in range(2)]
        assert answers == [True, False]
    with override_settings(TIDEGATE={"enabled": False}):
        assert all(UserRateThrottle().allow_request(request(), View()) for _ in range(9))
    with override_settings(REST_FRAMEWORK={"DEFAULT_THROTTLE_RATES": {"user": None}}):
        assert all(UserRateThrottle().allow_request(request(), View()) for _ in range(9))

    class Told(UserRateThrottle):
        scope = "twice"
        told = []

        def throttle_success(self):
            self.told.append("yes")
            return True

        def throttle_failure(self):
            self.told.append("no")
            return False

    assert [Told().allow_request(request(), View()) for _ in range(2)] == [True, False]
    assert Told.told == ["yes", "no"]

    class Never(UserRateThrottle):
        rate = "1/hour"
        cost = 5

    throttle = Never()
    assert throttle.allow_request(request(), View()) is False and throttle.wait() is None

assert "has no rate for the scope" in fails(ImproperlyConfigured, AnonRateThrottle)
assert "needs a `scope` or a `rate`" in fails(ImproperlyConfigured, SimpleRateThrottle)
wrong = type("Wrong", (UserRateThrottle,), {"rate": "5/fortnight"})
assert "unknown unit" in fails(ValueError, wrong)
print("all is well")
"""


def test_the_hooks_do_what_those_of_rest_framework_do() -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert run.stdout == "all is well\n", run.stderr
