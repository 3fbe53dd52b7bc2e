"""The figures of stores on servers as tables."""

from collections.abc import Mapping
from typing import Any

from bench.report.tables import markdown, median

_NAMES = ["tidegate", "limits", "throttled-py", "fluxlimit", "raw"]
_REDIS = "Redis, "
_SCENARIOS = [
    (_REDIS + "one caller", "redis.one"),
    (_REDIS + "64 tasks, asyncio", "redis.tasks.asyncio"),
    (_REDIS + "64 tasks, uvloop", "redis.tasks.uvloop"),
    (_REDIS + "the same, client's processor time, asyncio", "redis.tasks.cpu.asyncio"),
    (_REDIS + "the same, client's processor time, uvloop", "redis.tasks.cpu.uvloop"),
    (_REDIS + "64 tasks, one hot key, asyncio", "redis.hot.asyncio"),
    (_REDIS + "64 tasks, one hot key, uvloop", "redis.hot.uvloop"),
    ("PostgreSQL, 16 tasks, asyncio", "postgres.tasks"),
]
_OTHERS = [
    ("Redis, pipelined calls of one ask each, raw socket", "redis.tasks.raw.single"),
    ("Redis, calls of 64 asks, raw socket", "redis.tasks.raw.batch"),
    ("Redis, one hot key, exact", "redis.lease.exact"),
    ("Redis, one hot key, lease of 1 s", "redis.lease.lease"),
    ("Redis, a known denial, `allow`", "redis.known.allow.redis"),
    ("the same with memory://", "redis.known.allow.memory"),
    ("Redis, in Rust: one check, raw socket", "rust.redis.raw"),
    ("Redis, in Rust: one check, link", "rust.redis.link"),
    ("Redis, in Rust: 64 checks in one exchange", "rust.redis.link_64"),
    ("Redis, server's processor time: one check", "rust.redis.server.one"),
    ("Redis, server's processor time: smallest script", "rust.redis.server.smallest"),
    ("Redis, server's processor time: one of 64 checks", "rust.redis.server.batch"),
    ("PostgreSQL, in Rust: `SELECT 1`", "rust.postgres.select"),
    ("PostgreSQL, in Rust: one UPSERT", "rust.postgres.upsert"),
    ("PostgreSQL, in Rust: exchange of 1", "rust.postgres.exchange"),
    ("PostgreSQL, in Rust: 64 pipelined UPSERTs, each", "rust.postgres.upsert_64"),
    ("PostgreSQL, in Rust: exchange of 64, each", "rust.postgres.exchange_64"),
]


def store_tables(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns titles and tables."""
    figures = result["figures"]
    tables = [
        ("Stores: microseconds per check", _compared(figures)),
        ("Stores: microseconds per check, alone", _alone(figures)),
    ]
    return [(title, text) for title, text in tables if text]


def _compared(figures: Mapping[str, Any]) -> str:
    rows = [
        [words, *(median(figures, f"stores.{place}.{name}", 1e3, 1) for name in _NAMES)]
        for words, place in _SCENARIOS
    ]
    return markdown(["", *_NAMES], [row for row in rows if set(row[1:]) != {"-"}])


def _alone(figures: Mapping[str, Any]) -> str:
    rows = [[words, median(figures, f"stores.{place}", 1e3, 2)] for words, place in _OTHERS]
    return markdown(["", "µs"], [row for row in rows if row[1] != "-"])
