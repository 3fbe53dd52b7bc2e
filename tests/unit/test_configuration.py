"""Gates of configuration files: made, followed when the file changes, and named by code."""

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tidegate import ConfigError, Decision, Gate, RateLimitExceeded, load_gate, rate_limit
from tidegate import _following as following
from tidegate.asgi import TideGateMiddleware
from tidegate.testing import Clock
from tidegate.wsgi import TideGateMiddleware as WsgiMiddleware

RULES = """
[[rules]]
name = "api"
key = "ip"
limit = "{api}"

[[rules]]
name = "report"
apply = "by_name"
key = "global"
limit = "{report}"
"""
ENVIRON = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "203.0.113.7"}


class File:
    """A configuration file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, api: str = "2/hour", report: str = "1/hour", more: str = "") -> Path:
        new = self.path.with_suffix(".new.toml")
        new.write_text(more + RULES.format(api=api, report=report))
        new.replace(self.path)
        return self.path


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "tidegate.toml")


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """What one test follows is not seen by the next."""
    yield
    gc.collect()
    following._followed.latest = None
    following._followed.of_environment = None


def ask(gate: Gate) -> Decision:
    return gate.admit_wsgi({**ENVIRON})


def eventually(is_so: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_a_file_makes_a_gate(file: File) -> None:
    gate = load_gate(file.write(more='headers = "draft"\ntrusted_proxies = ["10.0.0.0/8"]\n'))

    assert [rule.name for rule in gate.rules] == ["api", "report"]
    assert [ask(gate).allowed for _ in range(3)] == [True, True, False]
    assert gate.believes
    about: Any = gate.configuration()
    assert about["file"] == str(file.path)
    assert about["failures"] == 0


def test_mistakes_are_told_with_their_place(file: File) -> None:
    file.write(api="2/huor")
    with pytest.raises(ConfigError, match=r"tidegate\.toml:5:9: rules\[0\]\.limit: .*hour"):
        load_gate(file.path)
    with pytest.raises(ConfigError, match="cannot read this file"):
        load_gate(file.path.with_name("none.toml"))
    wrong: Any = 5
    with pytest.raises(ConfigError, match="`config` must be the path of a file"):
        load_gate(wrong)


def test_warnings_stand_in_the_log(file: File, caplog: pytest.LogCaptureFixture) -> None:
    load_gate(file.write(api="2/hour; 3/hour"))
    assert "3/hour is never reached" in caplog.text


def test_a_change_is_taken_over_and_counts_are_kept(file: File) -> None:
    clock = Clock()
    gate = load_gate(file.write(), clock=clock)
    ask(gate)

    file.write(api="5/hour")
    assert gate.reload() == []
    assert ask(gate).remaining == 3
    assert gate.reload() is None
    assert gate.reload(force=True) == []


def test_a_change_is_found_without_being_asked_for(file: File) -> None:
    gate = load_gate(file.write())
    ask(gate)
    file.write(api="9/hour")
    eventually(lambda: gate.version == 1)
    assert ask(gate).limit == 9


def test_the_first_request_looks_by_itself(file: File) -> None:
    gate = load_gate(file.write())
    file.write(api="9/hour")
    assert gate.version == 0
    assert ask(gate).limit == 9


def test_a_mistake_leaves_the_rules_as_they_are_and_is_said_once(
    file: File, caplog: pytest.LogCaptureFixture
) -> None:
    gate = load_gate(file.write())
    ask(gate)
    with caplog.at_level(logging.ERROR):
        file.write(api="9/huor")
        eventually(lambda: bool(caplog.records))
        time.sleep(1.2)
    [record] = caplog.records
    assert "rules[0].limit" in record.getMessage()
    assert ask(gate).limit == 2
    about: Any = gate.configuration()
    assert about["failures"] == 1
    assert "huor" in about["error"]

    file.write(api="4/hour")
    eventually(lambda: gate.version == 1)
    about = gate.configuration()
    assert about["error"] is None


def test_another_store_waits_for_the_next_start(file: File) -> None:
    gate = load_gate(file.write())
    file.write(more='store = "memory://?capacity=1k"\n')
    said = gate.reload()
    assert said is not None
    assert "store" in said[0]


def test_a_gate_of_code_follows_nothing() -> None:
    gate = Gate([])
    assert (gate.version, gate.configuration(), gate.reload(force=True)) == (None, None, None)


def test_a_gate_that_nobody_holds_is_not_followed(file: File) -> None:
    gate = weakref.ref(load_gate(file.write()))
    end = time.monotonic() + 20
    # Whoever follows holds it while it looks.
    while gate() is not None:
        assert time.monotonic() < end
        gc.collect()


class TestMiddlewares:
    def test_options_beside_a_file_are_refused(self, file: File) -> None:
        file.write()
        with pytest.raises(ConfigError, match=r"`config` and `store`"):
            WsgiMiddleware(app, config=file.path, store="memory://")
        with pytest.raises(ConfigError, match=r"`config` and `limit`"):
            WsgiMiddleware(app, "5/minute", config=file.path)
        with pytest.raises(ConfigError, match=r"`gate` and `config`"):
            WsgiMiddleware(app, config=file.path, gate=Gate([]))

    def test_wsgi_follows_what_rules_ask_for(self, file: File) -> None:
        middleware = WsgiMiddleware(app, config=file.write())
        assert self.status(middleware)[0] == "200 OK"
        # Concurrency, whose end is told, and a key of a form, which is read.
        file.path.write_text(
            '[[rules]]\nname = "f"\nkey = "form:user"\nlimit = ["1/hour", "1 concurrent"]\n'
        )
        middleware.gate.reload()
        ana, bob = (self.status(middleware, f"user={name}") for name in ("ana", "bob"))
        again = self.status(middleware, "user=ana")
        assert [ana[0], bob[0], again[0]] == ["200 OK", "200 OK", "429 Too Many Requests"]
        file.write(api="7/hour")
        middleware.gate.reload()
        assert self.status(middleware)[1]["X-RateLimit-Limit"] == "7"

    def status(self, middleware: WsgiMiddleware, form: str = "") -> tuple[str, dict[str, str]]:
        import io

        told: list[Any] = []
        environ: Any = {
            **ENVIRON,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(form)),
            "wsgi.input": io.BytesIO(form.encode()),
        }
        body = middleware(environ, lambda *begun: told.append(begun))  # type: ignore[arg-type,return-value]
        list(body)
        close = getattr(body, "close", None)
        if close is not None:
            close()
        return told[0][0], dict(told[0][1])

    def test_asgi_follows_too(self, file: File) -> None:
        sent: list[Any] = []

        async def inner(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        middleware = TideGateMiddleware(inner, config=file.write())
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("::1", 1)}
        asyncio.run(middleware({**scope}, receive, send))
        file.path.write_text('[[rules]]\nname = "f"\nkey = "global"\nlimit = "1 concurrent"\n')
        middleware.gate.reload()
        for _ in range(3):
            asyncio.run(middleware({**scope}, receive, send))
        statuses = [message["status"] for message in sent if "status" in message]
        assert statuses == [200, 200, 200, 200]


def app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b""]


class TestNames:
    def test_a_rule_is_applied_where_code_names_it(self, file: File) -> None:
        @rate_limit(name="report")
        def report() -> str:
            return "done"

        with pytest.raises(ConfigError, match="none has been read"):
            report()
        gate = load_gate(file.write())
        assert report() == "done"
        with pytest.raises(RateLimitExceeded, match="'report'"):
            report()
        file.write(report="3/hour")
        gate.reload()
        assert [report(), report()] == ["done", "done"]

    def test_async_functions_too(self, file: File) -> None:
        gate = load_gate(file.write())

        @rate_limit(name="report")
        async def report() -> str:
            return "done"

        assert asyncio.run(report()) == "done"
        with pytest.raises(RateLimitExceeded):
            asyncio.run(report())
        gate.reset("report")
        assert asyncio.run(report()) == "done"

    def test_the_file_may_be_named_by_the_environment(
        self, file: File, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TIDEGATE_CONFIG", str(file.write()))

        @rate_limit(name="report")
        def report() -> str:
            return "done"

        assert report() == "done"
        with pytest.raises(RateLimitExceeded):
            report()

    def test_what_makes_no_sense_is_told(self, file: File) -> None:
        gate = load_gate(file.write())

        @rate_limit(name="reprot")
        def misspelt() -> None: ...

        @rate_limit(name="api")
        def twice() -> None: ...

        with pytest.raises(ConfigError, match="did you mean `report`"):
            misspelt()
        with pytest.raises(ConfigError, match='apply = "by_name"'):
            twice()
        with pytest.raises(ConfigError, match="a limit is missing"):
            rate_limit(name="report", key="ip")
        assert gate.version == 0

    def test_a_rule_that_code_names_is_not_lost_by_a_reload(self, file: File) -> None:
        gate = load_gate(file.write())

        @rate_limit(name="report")
        def report() -> str:
            return "done"

        report()
        file.path.write_text("")
        with pytest.raises(ConfigError, match=r'rate_limit\(name="report"\)'):
            gate.reload()
        assert [rule.name for rule in gate.rules] == ["api", "report"]


CHILD = """
import os, sys, time, signal
from tidegate import load_gate
# Whoever started the tests may have had it ignored, as nohup does; tidegate leaves it so then.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
gate = load_gate(sys.argv[1])
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "REMOTE_ADDR": "203.0.113.7"}
gate.admit_wsgi(dict(environ))
if sys.argv[2] == "fork":
    if os.fork():
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
print("ready", flush=True)
sys.stdin.readline()
if sys.argv[2] == "fork":
    print(gate.admit_wsgi(dict(environ)).limit, flush=True)
else:
    while gate.version == 0:
        time.sleep(0.01)
    print(gate.admit_wsgi(dict(environ)).limit, flush=True)
"""


@pytest.mark.parametrize("how", ["fork", "hangup"])
def test_a_process_of_its_own_follows(file: File, how: str) -> None:
    file.write()
    command = [sys.executable, "-c", CHILD, str(file.path), how]
    pipe = subprocess.PIPE
    # Without a terminal, as a service has none.
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        if how == "fork":
            file.write(api="8/hour")
        else:
            # The same size, the same times, the same file: only who is told finds out.
            before = file.path.stat()
            text = file.path.read_text().replace("2/hour", "8/hour")
            file.path.write_text(text)
            os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns))
            os.kill(child.pid, signal.SIGHUP)
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "8\n"
        assert child.wait(10) == 0
