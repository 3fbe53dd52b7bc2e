"""Whether the server's other workers are noticed; real servers are in tests/frameworks."""

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tidegate import Gate, Rule, _workers
from tidegate._workers import siblings


@pytest.fixture(autouse=True)
def a_fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_workers, "_looked", threading.Event())


def below(module: str, then: Callable[[], Any], **variables: Any) -> Any:
    """Calls `then` from a function of `module` that has these variables."""
    scope: dict[str, Any] = {"__name__": module}
    exec(f"def serve(then, {', '.join(variables)}): return then()", scope)
    return scope["serve"](then, **variables)


SERVERS: list[tuple[str, str, dict[str, Any]]] = [
    ("gunicorn", "gunicorn.arbiter", {"self": SimpleNamespace(num_workers=3)}),
    ("uvicorn", "uvicorn._subprocess", {"config": SimpleNamespace(workers=3)}),
    ("hypercorn", "hypercorn.asyncio.run", {"config": SimpleNamespace(workers=3)}),
    ("hypercorn", "hypercorn.trio.run", {"config": SimpleNamespace(workers=3)}),
    ("granian", "granian.server.common", {"self": SimpleNamespace(workers=3)}),
    ("granian", "granian.server.mp", {"worker_id": 3}),
]


@pytest.mark.parametrize(("server", "module", "variables"), SERVERS)
def test_a_server_with_three_workers_is_recognised(
    server: str, module: str, variables: dict[str, Any]
) -> None:
    assert below(module, siblings, **variables) == (server, 3)


@pytest.mark.parametrize("workers", [0, 1, None])
@pytest.mark.parametrize("module", ["uvicorn._subprocess", "hypercorn.asyncio.run"])
def test_a_server_with_one_worker_is_nothing_to_speak_of(module: str, workers: Any) -> None:
    assert below(module, siblings, config=SimpleNamespace(workers=workers)) is None


def test_a_request_in_another_thread_is_recognised_too() -> None:
    found: list[Any] = []

    def serve() -> None:
        thread = threading.Thread(target=lambda: found.append(siblings()))
        thread.start()
        thread.join()

    below("gunicorn.arbiter", serve, self=SimpleNamespace(num_workers=2))

    assert found == [("gunicorn", 2)]


@pytest.mark.parametrize(("numproc", "expected"), [(4, ("uWSGI", 4)), (1, None)])
def test_uwsgi_tells_its_number_itself(
    numproc: int, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    uwsgi: Any = ModuleType("uwsgi")
    uwsgi.numproc = numproc
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)

    assert siblings() == expected


@pytest.fixture
def gunicorns_handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets a worker of gunicorn handle the signal, as it does where greenlets serve."""

    class Worker:
        cfg = SimpleNamespace(workers=2)

        def handle_exit(self, *_: object) -> None: ...

    monkeypatch.setitem(sys.modules, "gunicorn.arbiter", ModuleType("gunicorn.arbiter"))
    before = signal.signal(signal.SIGTERM, Worker().handle_exit)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("gunicorns_handler")
def test_a_greenlet_below_gunicorn_is_recognised_by_the_worker() -> None:
    assert siblings() == ("gunicorn", 2)


@pytest.mark.parametrize("holder", [object(), SimpleNamespace(num_workers="many"), None])
def test_a_server_of_another_shape_is_passed_over(holder: Any) -> None:
    assert below("gunicorn.arbiter", siblings, self=holder) is None


def test_a_process_without_a_server_has_no_siblings() -> None:
    assert siblings() is None


def gunicorn_calls(then: Callable[[], Any]) -> Any:
    return below("gunicorn.arbiter", then, self=SimpleNamespace(num_workers=4))


def test_the_first_request_of_a_process_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    gates = [Gate([Rule("api", "5/minute")]) for _ in range(2)]
    assert caplog.records == []

    for gate in gates:
        gunicorn_calls(gate.admit)
        gunicorn_calls(gate.admit)

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("tidegate", logging.WARNING)
    assert "gunicorn runs this application in 4 workers" in record.getMessage()
    assert "shared://NAME" in record.getMessage()
