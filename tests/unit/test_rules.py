"""What rules know besides a limit: whom they apply to, what follows a breach, what is charged."""

import pickle
from typing import Any

import pytest

from tidegate import ConfigError, Gate, Rule
from tidegate._native import Answers, Clock


def scope(path: str = "/", method: str = "GET", client: str = "192.0.2.1", **more: Any) -> Any:
    return {
        "type": "http",
        "path": path,
        "method": method,
        "headers": more.pop("headers", []),
        "client": (client, 1),
        "query_string": more.pop("query", b""),
        **more,
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"match": {"paths": "/x"}}, ["'paths'", "path, exclude, route, methods, hosts"]),
        ({"match": {"path": []}}, ["match['path']", "at least one"]),
        ({"match": {"path": "login"}}, ["`login`", "begins with `/`"]),
        ({"match": {"methods": ["G T"]}}, ["`G T`", "GET"]),
        ({"match": {"hosts": "example.com:80"}}, ["example.com:80", "port"]),
        ({"match": "/login"}, ["match", "mapping"]),
        ({"mode": "shadwo"}, ["`shadwo`", "enforce or shadow"]),
        ({"block": "soon"}, ["block", "'soon'", "15m"]),
        ({"block": ["1h", "1m"]}, ["shorter"]),
        ({"block": []}, ["no tier"]),
        ({"block_decay": "1h"}, ["`block`"]),
        ({"extend_on_attempt": True}, ["`block`"]),
        ({"charge_on": "6xx"}, ["charge_on", "`6xx`", "4xx"]),
        ({"charge_on": []}, ["charge_on"]),
        ({"key": []}, ["`test`", "at least one"]),
        ({"key": ["ip", "global"]}, ["`test`", "global"]),
        ({"key": ["ip", 5]}, ["key", "5"]),
        ({"limit_for": "5/minute"}, ["limit_for", "callable"]),
        ({"exempt_when": True}, ["exempt_when", "callable"]),
        ({"cost": "5"}, ["cost", "'5'"]),
    ],
)
def test_what_makes_no_sense_is_named(options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Rule("test", "5/minute", **options)

    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_a_gate_says_what_it_needs_to_know() -> None:
    gate = Gate(
        [
            Rule("a", "5/minute", key=["user", "form:name"]),
            Rule("b", "5/minute", match={"route": "/items/{id}"}),
        ]
    )
    assert gate.needs == {"user", "form", "route"}
    assert Gate([Rule("a", "5/minute")]).needs == set()


def test_only_rules_that_apply_count_and_are_told_of() -> None:
    gate = Gate(
        [
            Rule("login", "1/hour", match={"path": "/login", "methods": "POST"}),
            Rule("api", "1/hour", match={"path": "/api/**", "exclude": "/api/health"}),
        ]
    )
    assert gate.applying_asgi(scope("/login", "POST")) == [0]
    assert gate.applying_asgi(scope("/api/health")) == []

    free = gate.admit_asgi(scope("/"))
    assert free.allowed
    assert (free.rule, free.limit, free.headers()) == ("", 0, {})
    assert gate.admit_asgi(scope("/api/x")).rule == "api"
    assert not gate.admit_asgi(scope("/api/y")).allowed


def test_a_decision_is_shown_in_the_fields_that_its_gate_was_given() -> None:
    rules = [Rule("all", "5/minute")]
    gate, silent = (Gate(rules, headers=given, clock=Clock()) for given in ("draft", None))

    assert set(gate.admit().headers()) == {"RateLimit-Policy", "RateLimit"}
    assert gate.admit().headers() == gate.inspect("all").headers("draft")
    assert set(gate.admit().headers("legacy", default="draft")) == {
        *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
    }
    assert set(silent.admit().headers(default="draft")) == {"RateLimit-Policy", "RateLimit"}
    assert "X-RateLimit-Limit" in silent.admit().headers()


def test_facts_that_an_adapter_notes_are_keys() -> None:
    gate = Gate([Rule("all", "5/minute", key=["user", "route", "form:name", "query:q"])])
    noted = {
        "tidegate.user": "ana",
        "tidegate.route": "/items/{id}",
        "tidegate.form": {"name": "a|b"},
    }
    decision = gate.admit_asgi(scope("/items/7", query=b"q=x%20y", **noted))

    assert decision.key == "ana|/items/{id}|a||b|x y"


def test_nobody_signed_in_is_counted_by_address_and_apart() -> None:
    gate = Gate([Rule("all", "1/hour", key="user")])

    assert gate.admit_asgi(scope(**{"tidegate.user": "192.0.2.1"})).allowed
    assert gate.admit_asgi(scope()).allowed
    assert not gate.admit_asgi(scope()).allowed
    assert gate.admit_asgi(scope(client="192.0.2.2")).allowed


def test_lists_let_in_and_keep_out() -> None:
    rule = Rule("all", "1/hour")
    gate = Gate([rule], allow=["192.0.2.0/24"], deny=["192.0.2.7", "198.51.100.0/24"])

    assert all(gate.admit_asgi(scope()).allowed for _ in range(3))
    denied = gate.admit_asgi(scope(client="192.0.2.7"))
    assert (denied.allowed, denied.reason) == (False, "deny_list")
    assert gate.refusal(denied).status == 403
    with pytest.raises(ConfigError, match=r"`deny`.*10\.0\.0\.1/8"):
        Gate([rule], deny=["10.0.0.1/8"])


def test_the_shadow_tells_and_refuses_nothing() -> None:
    gate = Gate([Rule("new", "1/hour", mode="shadow")])
    decisions = [gate.admit_asgi(scope()) for _ in range(3)]

    assert [decision.allowed for decision in decisions] == [True] * 3
    assert [decision.shadow for decision in decisions] == [[], ["new"], ["new"]]


def test_a_breach_blocks_for_longer_each_time_and_a_reset_lifts_it() -> None:
    clock = Clock()
    gate = Gate([Rule("login", "1/second", key="ip", block=["1m", "1h"])], clock=clock)

    def breach() -> Any:
        return [gate.admit_asgi(scope()) for _ in range(2)][-1]

    first = breach()
    assert (first.reason, first.retry_after) == ("penalty", 60.0)
    assert (gate.refusal(first).status, dict(gate.refusal(first).headers)["Retry-After"]) == (
        429,
        "60",
    )
    clock.advance(60)
    assert breach().retry_after == 3600.0
    assert gate.admit_asgi(scope(client="192.0.2.2")).allowed

    gate.reset("login", "192.0.2.1")
    assert gate.admit_asgi(scope()).allowed
    again: Any = pickle.loads(pickle.dumps(first))
    assert (again.reason, again.retry_after, again.rule) == ("penalty", 60.0, "login")


def test_what_is_not_charged_for_is_given_back_once() -> None:
    gate = Gate([Rule("login", "2/hour", charge_on=["401", "5xx"])])

    def ended(status: int | None) -> int:
        decision = gate.admit_asgi(scope())
        gate.settle(decision, status)
        gate.settle(decision, status)
        return gate.admit_asgi(scope(), keys=Answers(cost=0)).remaining

    assert gate.settles
    assert [ended(200), ended(401), ended(200), ended(None)] == [2, 1, 1, 0]


async def test_the_caller_may_tell_the_cost_and_whether_to_charge() -> None:
    gate = Gate([Rule("api", "10/hour", charge_on=bool)])
    decision = gate.admit_asgi(scope())
    await gate.asettle(decision, 200, cost=4)
    free = gate.admit_asgi(scope())
    await gate.asettle(free, 200, charges={0: False})

    assert gate.admit_asgi(scope(), keys=Answers(cost=0)).remaining == 6


def test_answers_replace_limits_and_free_rules() -> None:
    gate = Gate([Rule("a", "1/hour"), Rule("b", "2/hour")])

    assert gate.admit_asgi(scope(), keys=Answers(limits={0: "9/hour"}, exempt=[1])).limit == 9
    assert gate.admit_asgi(scope(), keys=Answers(exempt=[0, 1])).rule == ""
    with pytest.raises(ConfigError, match="nonsense"):
        gate.admit_asgi(scope(), keys=Answers(limits={0: "nonsense"}))


def test_requests_in_flight_end_when_they_are_settled_or_forgotten() -> None:
    gate = Gate([Rule("upload", "1 concurrent")])
    first = gate.admit_asgi(scope())
    second = gate.admit_asgi(scope())
    assert (second.allowed, second.reason, second.limit, second.rule) == (
        False,
        "concurrency",
        1,
        "upload",
    )
    gate.settle(first, 200)
    third = gate.admit_asgi(scope())
    assert third.allowed
    del third
    assert gate.admit_asgi(scope()).allowed
