"""Private servers for a benchmark, gone with the block that started them.

Each is on a free port of loopback, in a temporary folder, and on a core that is not the client's.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 30.0


class MissingServerError(Exception):
    """A server's program is not there; its text says what to do."""


def server_core() -> int:
    """The core that servers are kept on: not the one that `measure.pin` takes, if there are two."""
    return min(_ALLOWED)


# Asked before anything is pinned.
_ALLOWED = os.sched_getaffinity(0)


@contextlib.contextmanager
def redis() -> Iterator[int]:
    """Starts Redis, which keeps nothing on disk; gives its port."""
    program = shutil.which("redis-server")
    if program is None:
        raise MissingServerError("no redis-server; run scripts/servers.sh")
    with _folder() as folder:
        port = _free_port()
        argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        with _running([*argv, "--save", "", "--appendonly", "no"], folder, signal.SIGTERM) as child:
            os.sched_setaffinity(child.pid, {server_core()})
            _wait(lambda: _redis_answers(port), child, folder)
            yield port


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Starts PostgreSQL, which never waits for the disk; gives the URL of its database."""
    programs = _postgres_programs()
    with _folder() as folder:
        port = _free_port()
        data = folder / "data"
        init = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-N"]
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL, cwd=folder, user=_user())
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "fsync": "off",
        }
        argv = [str(programs / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        # SIGINT: ends sessions and stops. The core is handed down to every session.
        with _running(argv, folder, signal.SIGINT, user=_user()) as child:
            os.sched_setaffinity(child.pid, {server_core()})
            ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
            _wait(lambda: subprocess.run(ready, check=False).returncode == 0, child, folder)
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _user() -> str | None:
    """PostgreSQL does not run as root."""
    return "postgres" if os.geteuid() == 0 else None


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Not below TMPDIR: the path of a socket is short, and the server's user must get there.
    folder = tempfile.mkdtemp(prefix="tidegate-bench-", dir="/tmp")
    user = _user()
    if user is not None and _exists(user):
        shutil.chown(folder, user)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exists(user: str) -> bool:
    return subprocess.run(["id", user], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def _running(
    argv: list[str], folder: Path, end: signal.Signals, user: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, user=user
        )
    try:
        yield child
    finally:
        child.send_signal(end)
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait(ready: Callable[[], bool], child: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not ready():
        if child.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the server does not start: " + (folder / "log").read_text())
        time.sleep(0.01)


def _redis_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64) == b"+PONG\r\n"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _postgres_programs() -> Path:
    """Where PostgreSQL's programs are: Debian keeps them off PATH."""
    places = [Path(path).resolve().parent for path in [shutil.which("postgres")] if path]
    with contextlib.suppress(OSError):
        asked = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, check=False
        )
        places.append(Path(asked.stdout.strip()))
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    places += sorted(debian, key=lambda path: -int(re.sub(r"\D", "", path.parent.name) or 0))
    for place in places:
        if all((place / name).exists() for name in ("initdb", "postgres", "pg_isready")):
            return place
    raise MissingServerError("no PostgreSQL; run scripts/servers.sh")
