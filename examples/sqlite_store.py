"""A store of one's own: limits in a SQLite file, shared by all processes of a host.

    $ python examples/sqlite_store.py

starts four processes that ask for one key 100 times each, at 100 a day, and prints how many were
admitted. SQLite does some ten thousand checks a second: for more, and for limits that need not
outlive a reboot, there is `shared://`.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tidegate import Limiter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidegate.stores import Step

SCHEMA = """
CREATE TABLE IF NOT EXISTS limits (
    key BLOB PRIMARY KEY, state BLOB NOT NULL, over_at_ns INTEGER NOT NULL
) WITHOUT ROWID
"""
READ = "SELECT state FROM limits WHERE key = ? AND over_at_ns > ?"
WRITE = "INSERT OR REPLACE INTO limits (key, state, over_at_ns) VALUES (?, ?, ?)"
FORGET = "DELETE FROM limits WHERE key IN (SELECT key FROM limits WHERE over_at_ns <= ? LIMIT 100)"
# The largest number that SQLite keeps.
FOREVER = 2**63 - 1


class SQLiteStore:
    """Keeps states in a file, with a connection for every thread.

    Args:
        path: the file, which is made if there is none.
        timeout: seconds to wait for others who are writing.
    """

    def __init__(self, path: str | Path, *, timeout: float = 1.0) -> None:
        self._path = str(path)
        self._timeout = timeout
        self._local = threading.local()

    def transact(self, keys: Sequence[bytes], step: Step) -> None:
        """Runs `step` as one transaction."""
        connection = self._connection()
        # Locks the file for writing before it reads: nobody comes in between.
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            now = time.time_ns()
            rows = [connection.execute(READ, (key, now)).fetchone() for key in keys]
            writes = step([None if row is None else row[0] for row in rows], now)
            for key, write in zip(keys, writes, strict=True):
                if write is not None:
                    state, seconds = write
                    over_at = min(now + int(seconds * 1e9) + 1, FOREVER)
                    connection.execute(WRITE, (key, state, over_at))
            if any(writes):
                connection.execute(FORGET, (now,))

    def _connection(self) -> sqlite3.Connection:
        # Asked by number as well: a connection must not cross a fork.
        known: tuple[int, sqlite3.Connection] | None = getattr(self._local, "connection", None)
        process = multiprocessing.current_process().ident or 0
        if known is not None and known[0] == process:
            return known[1]
        connection = sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(SCHEMA)
        self._local.connection = (process, connection)
        return connection


def ask(path: Path) -> int:
    """Asks 100 times; returns how often the answer was yes."""
    limiter = Limiter("100/day", store=SQLiteStore(path, timeout=30))
    return sum(limiter.allow("everybody") for _ in range(100))


def main() -> None:
    """Lets four processes ask at once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "limits.sqlite")
        with multiprocessing.get_context("spawn").Pool(4) as pool:
            admitted = pool.map(ask, [path] * 4)
    print(f"{sum(admitted)} of 400 requests were admitted: {admitted}")


if __name__ == "__main__":
    main()
