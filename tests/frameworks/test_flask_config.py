"""The Flask extension's settings out of `app.config`, and the commands of `flask tidegate`."""

from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask

from examples.sqlite_store import SQLiteStore
from tidegate import ConfigError, Gate
from tidegate.flask import TideGate
from tidegate.testing import Clock


def made(gate: TideGate | None = None, **config: Any) -> Flask:
    app = Flask("test", static_folder=None)
    app.config.update(config)
    (gate or TideGate(clock=Clock())).init_app(app)
    app.add_url_rule("/", "view", lambda: "view")
    return app


def limit_of(app: Flask, path: str = "/") -> str | None:
    found: str | None = app.test_client().get(path).headers.get("X-RateLimit-Limit")
    return found


def run(app: Flask, *arguments: str, status: int = 0) -> str:
    result = app.test_cli_runner().invoke(args=["tidegate", *arguments])
    assert result.exit_code == status, result.output
    return result.output


def test_the_configuration_says_what_the_constructor_leaves_open() -> None:
    assert limit_of(made(TIDEGATE_LIMIT="5/minute")) == "5"
    assert limit_of(made(TIDEGATE_DEFAULT="4/minute", TIDEGATE_LIMIT="5/minute")) == "4"
    assert limit_of(made(TideGate(default="3/minute"), TIDEGATE_DEFAULT="4/minute")) == "3"
    assert limit_of(made()) is None


def test_every_option_may_stand_in_the_configuration() -> None:
    app = made(
        TIDEGATE_LIMIT="5/minute",
        TIDEGATE_KEY="header:x-api-key",
        TIDEGATE_COST=2,
        TIDEGATE_NAME="shop",
        TIDEGATE_HEADERS="draft",
        TIDEGATE_ON_BREACH=lambda request, decision: decision.key,
    )
    client = app.test_client()

    assert client.get("/").headers["RateLimit"].startswith('"shop";r=3')
    answers = [client.get("/", headers={"X-Api-Key": "ana"}).text for _ in range(3)]
    assert answers == ["view", "view", "ana"]


def test_it_may_be_switched_off() -> None:
    off = made(TIDEGATE_LIMIT="0/minute", TIDEGATE_ENABLED=False)

    assert off.test_client().get("/").status_code == 200
    assert limit_of(off) is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"TIDEGATE_DEFUALT": "5/minute"}, "'TIDEGATE_DEFUALT'.*did you mean TIDEGATE_DEFAULT"),
        ({"TIDEGATE_STORAGE_URI": "x"}, "'TIDEGATE_STORAGE_URI' is not a setting"),
        ({"TIDEGATE_XYZZY": 1}, "known are TIDEGATE_ALLOW, TIDEGATE_BLOCK,"),
        ({"TIDEGATE_LIMIT": "5/fortnight"}, "fortnight"),
        ({"TIDEGATE_COST": "many"}, "`cost` must be a whole number"),
        ({"TIDEGATE_KEY": "adress"}, "adress"),
    ],
)
def test_a_wrong_setting_is_an_error_that_names_what_is_right(
    config: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        made(TideGate(), **config)


def shop(**options: Any) -> Flask:
    app = Flask("test", static_folder=None)
    gate = TideGate(app, "50/minute", clock=Clock(), **options)
    part = Blueprint("part", __name__, url_prefix="/part")
    part.add_url_rule("/one", "one", lambda: "one")
    gate.limit("9/minute")(part)
    app.register_blueprint(part)

    @app.route("/login", methods=["GET", "POST"])
    @gate.limit("5/minute", methods=["POST"], key="ip")
    @gate.limit(lambda: "20/hour")
    def login() -> str:
        return "login"

    return app


def test_limits_lists_what_a_route_meets() -> None:
    assert run(shop(), "limits").splitlines() == [
        "GET /part/one  (part.one)",
        "    9/minute  [blueprint part, counted as part.one (blueprint part)]",
        "    50/minute  [application, counted as application]",
        "GET /login  (login)",
        "    what '<lambda>' returns  [route, counted as login]",
        "    50/minute  [application, counted as application]",
        "POST /login  (login)",
        "    what '<lambda>' returns  [route, counted as login]",
        "    5/minute  [route, counted as login 2]",
        "    50/minute  [application, counted as application]",
    ]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--endpoint", "part.one"], ["GET /part/one  (part.one)"]),
        (["--path", "/login", "--method", "post"], ["POST /login  (login)"]),
        (["--path", "/part/one"], ["GET /part/one  (part.one)"]),
        (["--path", "/login"], ["GET /login  (login)", "POST /login  (login)"]),
        (["--method", "POST"], ["POST /login  (login)"]),
    ],
)
def test_limits_can_be_asked_for_some_routes(arguments: list[str], shown: list[str]) -> None:
    lines = run(shop(), "limits", *arguments).splitlines()

    assert [line for line in lines if not line.startswith(" ")] == shown


def test_limits_says_when_no_route_is_meant() -> None:
    assert "no route serves any method of /no" in run(shop(), "limits", "--path", "/no", status=1)
    said = run(shop(), "limits", "--path", "/part/one", "--method", "PUT", status=1)
    assert "no route serves PUT /part/one" in said
    assert "no route is meant" in run(shop(), "limits", "--endpoint", "nowhere", status=1)


def test_config_prints_the_settings_without_passwords() -> None:
    app = made(TideGate(default="5/minute", store="redis://ana:s3cr%40t@localhost/0"))

    lines = run(app, "config").splitlines()

    assert "default = 5/minute" in lines
    assert "store = redis://***@localhost/0" in lines
    assert "s3cr" not in "".join(lines)


def test_check_names_routes_without_a_limit_and_fails() -> None:
    app = made()
    gate: TideGate = app.extensions["tidegate"][0]
    app.add_url_rule("/free", "free", gate.exempt(lambda: "free"))
    app.add_url_rule("/own", "own", gate.limit("1/minute", methods=["POST"])(lambda: "own"))

    assert run(app, "check", status=1).splitlines() == [
        "GET / (view) has no limit",
        "GET /own (own) has no limit",
    ]
    assert "every route has a limit" in run(shop(), "check")


def test_check_names_a_limit_that_can_never_work() -> None:
    app = made(TideGate(cost=5))
    gate: TideGate = app.extensions["tidegate"][0]
    app.add_url_rule("/own", "own", gate.limit("1/minute")(lambda: "own"))

    assert "GET /own (own): rule `own` costs 5 units" in run(app, "check", status=1)


def test_check_says_that_nobody_tells_the_user() -> None:
    app = made(TideGate(default="5/minute", key="user"))

    assert 'counts by "user", and nobody tells who' in run(app, "check", status=1)
    known = made(TideGate(default="5/minute", key="user", user=lambda: "ana"))
    assert "every route has a limit" in run(known, "check")


def test_reset_gives_a_key_its_quota_back_in_a_store_that_others_reach(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "limits")
    app = made(TideGate(default="2/hour", key="header:x-api-key", store=store))
    client = app.test_client()

    def statuses(key: str) -> list[int]:
        return [client.get("/", headers={"X-Api-Key": key}).status_code for _ in range(3)]

    assert (statuses("ana"), statuses("bob")) == ([200, 200, 429], [200, 200, 429])
    elsewhere = made(TideGate(default="2/hour", key="header:x-api-key", store=store))

    assert run(elsewhere, "reset", "--key", "ana") == "view (default) has forgotten ana\n"

    assert statuses("ana") == [200, 200, 429]
    assert statuses("bob") == [429, 429, 429]


def test_reset_says_what_it_cannot_reach() -> None:
    said = run(shop(), "reset", "--key", "ana", status=1)

    assert "memory://, inside the processes of the server" in said
    assert "no limit is meant" in run(shop(), "reset", "--key", "a", "--endpoint", "b", status=1)
    app = made(TideGate(default="5/minute", store="shared://flask-reset"))
    assert "counts everybody together" in run(app, "reset", "--key", "ana")


RULES = """
trusted_proxies = 1
headers = "draft"
[[rules]]
name = "api"
key = "ip"
limit = "{limit}"
"""


def test_a_file_describes_the_limits_of_the_application(tmp_path: Path) -> None:
    file = tmp_path / "tidegate.toml"
    file.write_text(RULES.format(limit="2/hour"))
    gate = TideGate(config=file)
    app = made(gate)
    app.add_url_rule("/own", "own", gate.limit("1/hour", key="ip")(lambda: "own"))
    client = app.test_client()

    def statuses(path: str, peer: str) -> list[int]:
        forwarded = {"X-Forwarded-For": peer}
        return [client.get(path, headers=forwarded).status_code for _ in range(3)]

    assert statuses("/", "203.0.113.7") == [200, 200, 429]
    # Limits in code believe whom the file says, and count where it says.
    assert statuses("/own", "203.0.113.8") == [200, 429, 429]
    assert "RateLimit-Policy" in client.get("/").headers
    with pytest.raises(ConfigError, match="`gate` and `config`"):
        made(TideGate(config=file, gate=Gate([])))
    with pytest.raises(ConfigError, match="`config` and `limit` are both given: say it in"):
        made(TideGate(limit="5/minute", config=file))
    file.write_text(RULES.format(limit="2/huor"))
    with pytest.raises(ConfigError, match=r"tidegate\.toml:7:9: rules\[0\]\.limit"):
        made(TideGate(config=file))
