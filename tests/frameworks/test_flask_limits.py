"""What a limit of the Flask extension can say: each keyword, and what is wrong with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort, request

from tidegate import ConfigError
from tidegate.flask import TideGate
from tidegate.testing import Clock


class Site:
    """An application with one limited view at `/`, and 9 a minute by default."""

    def __init__(self, *arguments: Any, view: Any = None, **options: Any) -> None:
        self.app = Flask("test")
        self.app.testing = True
        self.gate = TideGate(self.app, default="9/minute", clock=Clock())
        methods = ["GET", "POST", "PUT", "OPTIONS"]
        limited = self.gate.limit(*arguments, **options)(view or (lambda **_: "view"))
        self.app.add_url_rule("/", "view", limited, methods=methods)
        self.app.add_url_rule("/<name>", "named", limited, methods=methods)

    def ask(self, path: str = "/", method: str = "GET", **options: Any) -> Any:
        return self.app.test_client().open(path, method=method, buffered=True, **options)

    def admitted(self, most: int = 12, **options: Any) -> int:
        """How many requests pass before one is refused, or `most`."""
        for number in range(most):
            if self.ask(**options).status_code == 429:
                return number
        return most


def test_methods_limit_those_alone_and_the_default_takes_the_others() -> None:
    site = Site("2/minute", methods=["post", "PUT"])

    assert site.admitted(method="POST") == 2
    assert site.admitted(method="PUT") == 0
    assert site.admitted(method="GET") == 9


def test_get_stands_for_head_too() -> None:
    site = Site("2/minute", methods=["GET"])

    assert site.ask(method="HEAD").status_code == 200
    assert site.admitted(method="GET") == 1


def test_per_method_counts_each_method_apart() -> None:
    site = Site("2/minute", per_method=True)

    assert (site.admitted(method="POST"), site.admitted(method="PUT")) == (2, 2)
    assert (site.ask(method="HEAD").status_code, site.admitted(method="GET")) == (200, 1)


@pytest.mark.parametrize(
    "condition",
    [
        lambda: "free" in request.args,
        lambda request: "free" in request.args,
        lambda request, name="free": name in request.args,
    ],
)
def test_exempt_when_lets_a_request_pass_uncounted(condition: Any) -> None:
    site = Site("2/minute", exempt_when=condition)

    assert site.admitted(query_string="free") == 12
    assert site.admitted() == 2


async def is_free(request: Any) -> bool:
    return "free" in request.args


def test_callables_may_be_async() -> None:
    async def key() -> str:
        return request.args.get("user", "nobody")

    site = Site("2/minute", exempt_when=is_free, key=key)

    assert site.admitted(query_string="free") == 12
    assert (site.admitted(), site.admitted(query_string="user=ana")) == (2, 2)


def test_without_override_defaults_both_limits_apply() -> None:
    tight, wide = Site("2/minute", override_defaults=False), Site("5/minute")
    wide.gate.limit("3/hour", override_defaults=False)
    loose = Site("20/minute", override_defaults=False)

    assert (tight.admitted(), wide.admitted(), loose.admitted(most=20)) == (2, 5, 9)


@pytest.mark.parametrize("cost", [3, lambda: 3, lambda request: len(request.args["x"])])
def test_a_request_may_cost_several_units(cost: Any) -> None:
    site = Site("10/minute", cost=cost)

    assert site.admitted(query_string="x=abc") == 3
    assert Site("1/minute", cost=0).admitted() == 12


def test_a_scope_is_one_count_for_all_who_name_it() -> None:
    site = Site("3/minute", scope="one")
    other = site.gate.shared_limit("3/minute", "one")(lambda: "other")
    site.app.add_url_rule("/other", "other", other)

    assert [site.ask(path).status_code for path in ("/", "/other", "/x", "/other")] == [
        *(200, 200, 200),
        429,
    ]


def test_a_scope_may_be_made_of_the_endpoint() -> None:
    site = Site("2/minute", scope=lambda endpoint: endpoint[0])

    assert (site.admitted(path="/"), site.admitted(path="/x")) == (2, 2)
    assert Site("2/minute", scope=lambda endpoint: "one").admitted(path="/x") == 2


def test_a_view_with_two_routes_counts_each_apart() -> None:
    site = Site("2/minute")

    assert (site.admitted(path="/"), site.admitted(path="/x")) == (2, 2)


def test_stacked_limits_all_apply() -> None:
    site = Site("4/minute", view=None)
    inner = site.gate.limit("3/hour")(lambda: "inner")
    site.app.add_url_rule("/both", "both", site.gate.limit("2/minute")(inner))
    site.app.add_url_rule("/same", "same", site.gate.limit("3/hour")(inner))

    assert [site.ask("/both").headers["X-RateLimit-Limit"] for _ in range(3)] == ["2"] * 3
    assert site.ask("/both").status_code == 429
    # Two limits that say the same are two counts all the same.
    assert site.admitted(path="/same") == 3


def test_a_callable_limit_is_asked_for_each_request() -> None:
    plans = {"gold": "5/minute", "free": "2/minute", "none": "", "any": None}
    site = Site(lambda: plans[request.args["plan"]], key=lambda: request.args["plan"])

    assert [site.admitted(query_string=f"plan={plan}") for plan in plans] == [5, 2, 12, 12]


@pytest.mark.parametrize(
    ("answer", "status", "body", "kind"),
    [
        ("wait", 429, b"wait", "text/plain"),
        (b"wait", 429, b"wait", "text/plain"),
        ({"wait": 1}, 429, b'{"wait":1}\n', "application/json"),
        ([1], 429, b"[1]\n", "application/json"),
        (("wait", 420), 420, b"wait", "text/plain"),
        (("<b>wait</b>", 429, {"Content-Type": "text/html"}), 429, b"<b>wait</b>", "text/html"),
        (("wait", 429, [("X-Mark", "1")]), 429, b"wait", "text/plain"),
        (Response("own", 444, mimetype="text/x"), 444, b"own", "text/x"),
    ],
)
def test_on_breach_may_answer_in_every_form(
    answer: Any, status: int, body: bytes, kind: str
) -> None:
    site = Site("0/minute", on_breach=lambda request, decision: answer)

    # What answers a refusal is the last word, whatever handlers there are.
    site.app.register_error_handler(429, lambda error: ("handler", 200))
    response = site.ask()

    assert (response.status_code, response.data, response.mimetype) == (status, body, kind)
    assert response.headers["X-RateLimit-Limit"] == "0"


def test_on_breach_of_the_extension_answers_where_a_limit_has_none() -> None:
    site = Site("0/minute")
    site.gate.on_breach(lambda request, decision: f"{request.path} {decision.rule}")

    assert site.ask("/x").data == b"/x named"


def test_on_breach_may_leave_it_to_the_usual_answer() -> None:
    site = Site("0/minute", on_breach=lambda request, decision: None)

    assert site.ask().mimetype == "application/problem+json"


def test_an_answer_from_below_a_view_goes_out_as_it_is() -> None:
    def view() -> str:
        return "inner"

    site = Site("9/minute")
    inner = site.gate.limit("0/minute", on_breach=lambda *_: ("below", 418))(view)
    site.app.add_url_rule("/below", "below", lambda: inner() + "")

    assert (site.ask("/below").status_code, site.ask("/below").data) == (418, b"below")


def test_charge_on_gives_back_what_other_responses_took() -> None:
    site = Site("3/minute", charge_on="4xx", view=lambda: request.args.get("x") or abort(401))

    assert site.admitted(query_string="x=1") == 12
    assert site.admitted() == 3


def test_deduct_when_gives_back_what_the_callable_does_not_charge() -> None:
    def fails(response: Response) -> bool:
        return bytes(response.data) == b"wrong"

    site = Site("3/minute", deduct_when=fails, view=lambda: request.args.get("x", "wrong"))

    assert site.admitted(query_string="x=1") == 12
    assert site.admitted() == 3


def test_what_was_taken_is_given_back_when_a_stream_ends() -> None:
    def parts() -> Iterator[str]:
        yield from "abc"

    site = Site("3/minute", charge_on="4xx", view=lambda: Response(parts()))

    assert [site.ask().data for _ in range(12)] == [b"abc"] * 12


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (["5/fortnight"], {}, "fortnight"),
        ([], {}, "a limit is missing"),
        (["5/minute"], {"methods": "POST"}, r'a list such as \["POST"\]'),
        (["5/minute"], {"methods": []}, "must name at least one"),
        (["5/minute"], {"key": "adress"}, "adress"),
        (["5/minute"], {"key_func": print}, "'key_func' is not a keyword of a limit"),
        (["5/minute"], {"exempt_whn": print}, "did you mean exempt_when?"),
        (["5/minute"], {"cost": -1}, "`cost` must be at least 0"),
        (["5/minute"], {"exempt_when": True}, "`exempt_when` must be a callable"),
        (["5/minute"], {"scope": ""}, "`scope` must not be empty"),
        (["5/minute"], {"deduct_when": print, "charge_on": "4xx"}, "both given"),
        ([lambda: "5/minute"], {"requests": 5, "period": 60}, "both given"),
    ],
)
def test_a_wrong_limit_is_an_error_where_it_is_written(
    arguments: list[Any], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        TideGate().limit(*arguments, **options)


def test_a_name_is_for_one_limit() -> None:
    site = Site("5/minute", name="search")

    assert site.app.test_client().get("/").headers["X-RateLimit-Limit"] == "5"
    with pytest.raises(ConfigError, match=r"`name` 'search' is given to two limits.*`scope`"):
        site.gate.limit("5/minute", name="search")


def test_a_limits_own_key_takes_the_place_of_per_ip() -> None:
    gate = TideGate(Flask("a"), per_ip=True, clock=Clock())
    app = Flask("test")
    gate.init_app(app)
    by_name = gate.limit("1/minute", key=lambda: request.args["name"])(lambda: "view")
    app.add_url_rule("/", "view", by_name)
    answers = [app.test_client().get(f"/?name={name}").status_code for name in ("a", "b", "a")]

    assert answers == [200, 200, 429]


def test_two_limits_of_one_scope_must_agree() -> None:
    gate = TideGate()
    gate.shared_limit("5/minute", "api", key="ip")

    with pytest.raises(ConfigError, match="scope 'api' has the limit <Limit 5/minute>"):
        gate.shared_limit("6/minute", "api", key="ip")
    with pytest.raises(ConfigError, match="one set of options"):
        gate.shared_limit("5/minute", "api")


@pytest.mark.parametrize("what", ["key", "cost", "exempt_when", "limit", "on_breach"])
def test_a_callable_that_raises_is_named_and_its_error_kept(what: str) -> None:
    def mine(request: Any) -> Any:
        raise LookupError("no such tenant")

    options = {} if what == "limit" else {what: mine}
    site = Site(mine if what == "limit" else "0/minute", **options)

    with pytest.raises(ConfigError, match=f"the {what} callable 'mine' raised Look") as caught:
        site.ask()
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize(
    ("limit", "options", "words"),
    [
        ("5/minute", {"key": lambda: None}, "must return text that is not empty, got None"),
        ("5/minute", {"key": lambda: ""}, "must return text that is not empty"),
        ("5/minute", {"cost": lambda: "1"}, "must return a whole number of at least 0, got '1'"),
        ("5/minute", {"cost": lambda: -1}, "must return a whole number of at least 0"),
        (lambda: 5, {}, "must return a limit string, got 5"),
        (lambda: "often", {}, "often"),
    ],
)
def test_a_callable_that_answers_nonsense_is_an_error(
    limit: Any, options: dict[str, Any], words: str
) -> None:
    site = Site(limit, **options)

    with pytest.raises(ConfigError, match=words):
        site.ask()


def test_a_callable_must_choose_from_a_few_limits() -> None:
    site = Site(lambda: f"{request.args['n']}/minute")
    for number in range(1, 1001):
        assert site.ask(query_string=f"n={number}").status_code == 200

    with pytest.raises(ConfigError, match="more than 1000 different limits"):
        site.ask(query_string="n=1001")


def test_a_template_answers_refusals(tmp_path: Path) -> None:
    template = tmp_path / "slow.html"
    template.write_text("<p>slow down</p>")
    app = Flask("test")
    TideGate(app, "0/minute", template=template)

    refused = app.test_client().get("/")

    assert (refused.status_code, refused.text) == (429, "<p>slow down</p>")
    assert refused.mimetype == "text/html"
