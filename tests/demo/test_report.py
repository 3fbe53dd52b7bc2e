"""The verdict, and that the tables fit where they are shown."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from demo import plan
from demo.records import ADMITTED, REFUSED, GroupLog, Record
from demo.report import Row, final_row, holds, live_row, untested, verdict
from demo.screen import Screen

ROOT = Path(__file__).resolve().parents[2]
MINUTE = 60
FULL = Row("fastapi", "crawler", 24_000, 1_219, 22_781, 1_217, 1_221, 1_234.5, 12_345.6)


def log_of(**clients: int) -> GroupLog:
    """A burst of 100 at one instant from each client, of which so many were admitted."""
    log = GroupLog("flask", "burst")
    for client, admitted in clients.items():
        for index in range(100):
            log.add(client, Record(10, 20, ADMITTED if index < admitted else REFUSED))
    return log


def test_a_group_whose_clients_all_got_a_burst_holds() -> None:
    row = final_row(plan.QUOTA, log_of(a=20, b=20))

    assert (row.sent, row.admitted, row.refused) == (200, 40, 160)
    assert (row.at_least, row.at_most, row.complaints) == (40, 40, ())
    assert holds([row])
    assert verdict([row]).startswith("The bounds hold: of 200 requests 40 were admitted")


def test_what_one_client_got_too_much_is_not_made_up_for_by_another() -> None:
    row = final_row(plan.QUOTA, log_of(a=19, b=21))

    assert row.admitted == row.at_most
    assert not holds([row])
    assert verdict([row]).splitlines() == [
        "The bounds do NOT hold, for 2 clients:",
        "  - burst at flask, a: 19 requests were admitted, and at least 20 had a right to be",
        "  - burst at flask, b: 21 requests were admitted, and at most 20 fit",
    ]


def test_a_group_that_sent_nothing_proves_nothing() -> None:
    assert not holds([final_row(plan.QUOTA, log_of())])


def test_a_flood_that_came_as_a_trickle_is_said_to_test_nothing() -> None:
    trickle = replace(FULL, sent=1_000, at_most=1_000)

    assert untested([FULL, trickle], {"crawler"}) == ["crawler at fastapi"]
    assert untested([FULL, trickle], {"abuser"}) == []


def test_every_group_but_the_steady_users_floods() -> None:
    floods = {cast.group.name for cast in plan.CASTS if cast.group.floods}

    assert floods == {"burst", "abuser", "forger", "crawler"}


def test_many_complaints_are_cut_short_with_their_number() -> None:
    row = final_row(plan.QUOTA, log_of(**{f"c{index}": 0 for index in range(30)}))

    assert verdict([row]).splitlines()[0] == "The bounds do NOT hold, for 30 clients:"
    assert verdict([row]).splitlines()[-1] == "  - and 22 more"


@pytest.mark.parametrize("row", [FULL, replace(FULL, at_least=None)], ids=["final", "live"])
def test_the_table_fits_80_columns_with_the_largest_numbers(row: Row) -> None:
    output = io.StringIO()
    wants = {cast.group.name: cast.group.wants for cast in plan.CASTS}
    rows = [replace(row, app=cast.app, group=cast.group.name) for cast in plan.CASTS]

    Screen(Console(file=output, width=80), wants).show(rows)

    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in output.getvalue()
    assert sum("12346" in line for line in lines) == len(rows)
    assert all(want in output.getvalue() for want in wants.values())


async def test_a_terminal_sees_the_table_while_the_spike_runs() -> None:
    output = io.StringIO()
    screen = Screen(Console(file=output, width=80, force_terminal=True), {})
    looked = asyncio.Event()

    def look() -> list[Row]:
        looked.set()
        return [live_row(plan.QUOTA, log_of(a=20))]

    task = asyncio.ensure_future(screen.follow(look, seconds=1))
    await looked.wait()
    task.cancel()
    await asyncio.wait([task])

    assert "burst" in output.getvalue()
    assert "<= 20" in output.getvalue()


@pytest.mark.parametrize("app", ["fastapi_app", "flask_app"])
def test_each_application_is_protected_by_one_line_with_the_limit_that_is_judged(app: str) -> None:
    lines = (ROOT / "demo" / "apps" / f"{app}.py").read_text().splitlines()

    protection = [line for line in lines if "protect_app(" in line]

    assert protection == [f'protect_app(app, "{plan.LIMIT}/second", per_ip=True)']


def test_the_longest_spike_is_bounded() -> None:
    assert plan.total_requests(MINUTE) < 100_000


def test_no_two_clients_share_an_address() -> None:
    addresses = [cast.address(index) for cast in plan.CASTS for index in range(cast.clients)]

    assert len(addresses) == len(set(addresses))
    assert all(address.startswith("127.") for address in addresses)
