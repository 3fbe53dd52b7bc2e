"""Private servers for the tests of the stores: Redis and PostgreSQL, each in its own directory.

A server listens on a Unix socket and on a port of loopback. It is asked until it answers, and is
ended by its process id. A program that is missing is a failure that names the Debian package.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.serving import free_port

PASSWORD = "correct-horse-4711"
_READY = 30.0


class Server:
    """One server: where it is, and what can befall it."""

    name: str

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="tidegate-", dir=tempfile.gettempdir()))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The store's URL, by the Unix socket."""
        raise NotImplementedError

    @property
    def tcp_url(self) -> str:
        """The store's URL, by the port."""
        raise NotImplementedError

    def fresh(self, name: str) -> str:
        """The URL of a place of its own on this server, for one test."""
        raise NotImplementedError

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        with (self.home / "log").open("ab") as log:
            self.process = self._launch(log)
        deadline = time.monotonic() + _READY
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = (self.home / "log").read_text(errors="replace")[-2000:]
                self.stop()
                raise AssertionError(f"{self.name} was not ready: {said}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Ends it, at once and without a word to its clients."""
        if self.process is not None:
            self._signal(signal.SIGCONT)
            self._kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Lets it neither read nor answer; connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on after `freeze`."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Ends it, and starts it again at the same place, empty."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Ends it, and leaves nothing behind."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _launch(self, log: Any) -> "subprocess.Popen[bytes]":
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _kill(self) -> None:
        assert self.process is not None
        self.process.kill()

    def _signal(self, number: int) -> None:
        for pid in self._pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _pids(self) -> list[int]:
        return [] if self.process is None else [self.process.pid]


class Redis(Server):
    """A private `redis-server`, with a password if told."""

    name = "redis"

    def __init__(self, *, password: str | None = None) -> None:
        super().__init__()
        self.password = password
        self._program = shutil.which("redis-server") or ""
        if not self._program:
            raise AssertionError("redis-server is missing; install the Debian package redis-server")

    @property
    def socket(self) -> Path:
        """The Unix socket."""
        return self.home / "s"

    @property
    def url(self) -> str:
        """The store's URL, by the Unix socket."""
        return f"unix://{self.socket}" + (f"?pass={self.password}" if self.password else "")

    @property
    def tcp_url(self) -> str:
        """The store's URL, by the port."""
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}"

    def fresh(self, name: str) -> str:
        """A prefix of its own."""
        return f"{self.url}{'&' if '?' in self.url else '?'}prefix={name}:"

    def call(self, *words: str) -> bytes:
        """Sends one command, and returns its answer as it came, without its length."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            commands = [["AUTH", self.password]] if self.password else []
            with connection.makefile("rb") as answers:
                for command in [*commands, list(words)]:
                    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in command]
                    connection.sendall(f"*{len(parts)}\r\n{''.join(parts)}".encode())
                    answer = answers.readline().rstrip()
                    if answer.startswith(b"$") and answer != b"$-1":
                        answer = answers.read(int(answer[1:]) + 2)[:-2]
        assert not answer.startswith(b"-"), answer
        return answer

    def commands(self) -> dict[str, int]:
        """How often each command was called since the server started, but for INFO and AUTH."""
        counts: dict[str, int] = {}
        for line in self.call("INFO", "commandstats").decode().splitlines():
            if line.startswith("cmdstat_"):
                name, _, rest = line.removeprefix("cmdstat_").partition(":calls=")
                counts[name] = int(rest.partition(",")[0])
        return {name: count for name, count in counts.items() if name not in ("info", "auth")}

    def _launch(self, log: Any) -> "subprocess.Popen[bytes]":
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": str(self.socket),
            "dir": str(self.home),
            "save": "",
            "appendonly": "no",
        }
        if self.password:
            options["requirepass"] = self.password
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return subprocess.Popen([self._program, *words], stdout=log, stderr=log)

    def _answers(self) -> bool:
        try:
            return self.call("PING") == b"+PONG"
        except OSError:
            return False


class Postgres(Server):
    """A private PostgreSQL; run by the user postgres for root, whom it refuses."""

    name = "postgres"

    def __init__(self, *, password: str | None = None) -> None:
        super().__init__()
        self.password = password
        self._bin = _postgres_programs()
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self.home, self._user)
        self._init()

    @property
    def url(self) -> str:
        """The store's URL, by the Unix socket."""
        return f"{self._begin()}/postgres?host={self.home}&port={self.port}"

    @property
    def tcp_url(self) -> str:
        """The store's URL, by the port."""
        login = f"postgres:{self.password}" if self.password else "postgres"
        return f"postgresql://{login}@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def fresh(self, name: str) -> str:
        """A schema of its own, made here and now: that takes longer than a check may."""
        from tidegate import Limiter

        url = f"{self.url}&schema={name}"
        with Limiter("1/day", store=f"{url}&timeout=10s") as limiter:
            assert not limiter.check("made").degraded
        return url

    def restart(self) -> None:
        """Ends it, and starts it again at the same place, empty."""
        self.stop()
        shutil.rmtree(self.home / "data")
        self._init()
        self.start()

    def stop(self) -> None:
        """Ends it, and all of its processes."""
        self.thaw()
        super().stop()

    def _begin(self) -> str:
        return "postgresql://postgres" + (f":{self.password}@" if self.password else "@")

    def _init(self) -> None:
        password = self.home / "password"
        password.write_text(self.password or "none")
        access = "scram-sha-256" if self.password else "trust"
        words = ["-U", "postgres", "-A", access, f"--pwfile={password}", "--no-sync", "-E", "UTF8"]
        data = str(self.home / "data")
        if os.geteuid() == 0:
            shutil.chown(password, self._user)
        code = self._run([str(self._bin / "initdb"), *words, "--locale=C", "-D", data]).wait()
        assert code == 0, f"initdb failed with {code}"

    def _run(self, argv: list[str], log: Any = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        owner: Any = {}
        if os.geteuid() == 0:
            entry = pwd.getpwnam(self._user)
            owner = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return subprocess.Popen(argv, cwd=self.home, stdout=log, stderr=log, **owner)

    def _launch(self, log: Any) -> "subprocess.Popen[bytes]":
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.home),
            "fsync": "off",
            "max_connections": "100",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        data = str(self.home / "data")
        argv = [str(self._bin / "postgres"), "-D", data, "-p", str(self.port), *words]
        return self._run(argv, log)

    def _answers(self) -> bool:
        ready = [str(self._bin / "pg_isready"), "-q", "-h", str(self.home), "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _kill(self) -> None:
        assert self.process is not None
        # Fast shutdown: a server that is killed outright leaves its children behind.
        self.process.send_signal(signal.SIGQUIT)

    def _pids(self) -> list[int]:
        """The server's process, and those that serve its connections."""
        if self.process is None:
            return []
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        try:
            return [pid, *map(int, children.read_text().split())]
        except OSError:
            return [pid]


def _postgres_programs() -> Path:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        places.insert(0, Path(said.stdout.strip()))
    for place in places:
        if (place / "initdb").exists():
            return place
    raise AssertionError("initdb is missing; install the Debian package postgresql")


KINDS: dict[str, type[Redis] | type[Postgres]] = {"redis": Redis, "postgres": Postgres}


@contextmanager
def running(kind: str, *, password: str | None = None) -> Iterator[Redis | Postgres]:
    """A server of its own, for a test that mistreats it."""
    server = KINDS[kind](password=password)
    try:
        server.start()
        yield server
    finally:
        server.close()
