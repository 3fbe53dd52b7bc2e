"""The benchmarks read what the Rust examples print, and report whatever was measured."""

import re

import pytest

from bench import store_engine
from bench.python import load, load_apps
from bench.report import page, result
from bench.report.load import LOAD_TARGETS
from bench.report.store_targets import STORE_TARGETS
from bench.report.targets import TARGETS
from tests.repo import tree

REDIS = """\
one check, p50: raw socket 30.0 us, link 36.0 us, ratio 1.20
64 checks of as many subjects: 640 us, 100000 checks/s on one connection
server, by INFO commandstats: one check 20.00 us, smallest script 15.00 us, \
64 checks in one call 512.0 us
"""
POSTGRES = """\
                                     p50 (us)     checks/s
SELECT 1, one at a time                  50.0        20000
UPSERT, one at a time                   100.0        10000
exchange of 1                           100.0        10000
64 UPSERTs, pipelined                  4000.0        16000
exchange of 64                         1280.0        50000
64 UPSERTs of one key, pipelined       4000.0        16000
"""


def test_the_figures_of_redis_are_read() -> None:
    assert store_engine.redis(REDIS) == {
        "redis.raw": 30_000,
        "redis.link": 36_000,
        "redis.link_64": 10_000,
        "redis.server.one": 20_000,
        "redis.server.smallest": 15_000,
        "redis.server.batch": 8_000,
    }


def test_the_figures_of_postgres_are_nanoseconds_for_a_check() -> None:
    figures = store_engine.postgres(POSTGRES)

    assert figures["postgres.exchange_64"] == 20_000
    assert len(figures) == 5


def test_an_example_that_prints_something_else_is_noticed() -> None:
    for read in (store_engine.redis, store_engine.postgres):
        with pytest.raises(ValueError, match="prints"):
            read("one check: 30 us\n")


def test_the_examples_print_what_is_read() -> None:
    redis = (tree.ROOT / "crates/tidegate-redis/examples/latency.rs").read_text()
    postgres = (tree.ROOT / "crates/tidegate-postgres/examples/latency.rs").read_text()

    for words in ("raw socket {", "us, link {", "checks of as many subjects: {"):
        assert words in redis, words
    for label in re.findall(r"^(\S.*?)  ", POSTGRES, re.MULTILINE):
        assert f'"{label}"' in postgres, label


def test_every_family_under_load_is_served_and_has_a_target() -> None:
    told = {f"load.{family}.protected" for family in load_apps.FAMILIES}

    assert set(load.SETTINGS) == set(load_apps.FAMILIES)
    assert {figure for target in LOAD_TARGETS for figure in target.of} == told


def test_no_two_targets_say_the_same() -> None:
    texts = [target.text for target in (*TARGETS, *LOAD_TARGETS, *STORE_TARGETS)]

    assert len(set(texts)) == len(texts)


def test_the_page_tells_what_a_served_application_loses_and_how_sure_that_is() -> None:
    # Both bare ones took 100 µs in each round, one above and one below.
    figures = {
        "load.flask.bare": [90_000.0, 110_000.0, 90_000.0],
        "load.flask.again": [110_000.0, 90_000.0, 110_000.0],
        "load.flask.protected": [120_000.0, 125_000.0, 130_000.0],
    }
    figures |= {f"{name}.cpu": [80_000.0] * 3 for name in list(figures)}

    made = result.make("full", figures, [])

    told = [re.split(r" *\| *", line.strip("| ")) for line in page.render(made).splitlines()]
    assert ["flask.protected", "8000", "20.0 %", "1.9 %", "80"] in told
    loss = {target["text"]: target for target in made["targets"] if target["value"] is not None}
    assert [(row["value"], row["met"]) for row in loss.values()] == [(1.25, False)]


def test_the_page_is_made_of_a_part_that_was_measured_alone() -> None:
    figures = {"web.asgi.bare": [2_000.0], "web.asgi.tidegate": [4_000.0]}

    told = page.render(result.make("full", figures, ["redis was not measured"]))

    assert "Web under load" not in told
    assert "- redis was not measured" in told
