"""Shows the spike: a live table on a terminal, a line now and then anywhere else.

Fits 80 columns. Knows nothing of how requests are sent or judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from demo.report import Row

# Seconds between two looks. Each costs the traffic a few milliseconds.
REFRESH = 0.5
REFRESH_PIPE = 2.0


class Screen:
    """Where the demo writes.

    Args:
        console: the terminal, file or pipe.
        wants: what each group tries, by its name; shown beside it.
    """

    def __init__(self, console: Console, wants: Mapping[str, str]) -> None:
        self._console = console
        self._wants = wants

    def say(self, text: str = "", *, style: str = "") -> None:
        """Writes a line, or several."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    async def follow(self, rows: Callable[[], Sequence[Row]], *, seconds: float) -> None:
        """Shows how the spike goes on, until cancelled.

        Args:
            rows: asked for the state at each look.
            seconds: how long the spike lasts.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        if not self._console.is_terminal:
            while True:
                await asyncio.sleep(REFRESH_PIPE)
                self.say(_line(rows(), loop.time() - start))
        with Live(console=self._console, auto_refresh=False, transient=True) as live:
            while True:
                passed = min(loop.time() - start, seconds)
                table = self._table(rows(), f"{passed:.1f} of {seconds:g} s")
                live.update(table, refresh=True)
                await asyncio.sleep(REFRESH)

    def show(self, rows: Sequence[Row]) -> None:
        """Writes the final table."""
        self._console.print(self._table(rows, "the end"))

    def _table(self, rows: Sequence[Row], caption: str) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            show_edge=False,
            caption=f"{caption}; latency in ms",
        )
        table.add_column("group")
        table.add_column("sends", no_wrap=True)
        for name in ("sent", "admitted", "expected", "refused", "median", "p99"):
            table.add_column(name, justify="right", no_wrap=True)
        app = ""
        for row in rows:
            if row.app != app:
                app = row.app
                table.add_section()
                table.add_row(Text(f"{app}:", style="bold"))
            table.add_row(
                row.group,
                Text(self._wants.get(row.group, ""), style="dim"),
                f"{row.sent:,}",
                Text(f"{row.admitted:,}", style=_style(row)),
                _expected(row),
                f"{row.refused:,}",
                _milliseconds(row.median_ms),
                _milliseconds(row.p99_ms),
            )
        return table


def _expected(row: Row) -> str:
    if row.at_least is None:
        return "all" if row.at_most == row.sent else f"<= {row.at_most:,}"
    if row.at_least == row.at_most:
        return "all" if row.at_most == row.sent else f"{row.at_most:,}"
    return f"{row.at_least:,}..{row.at_most:,}"


def _milliseconds(value: float) -> str:
    return f"{value:.1f}" if value < 1_000 else f"{value:.0f}"


def _style(row: Row) -> str:
    wrong = bool(row.complaints) or row.admitted > row.at_most
    return "bold red" if wrong else "green"


def _line(rows: Sequence[Row], passed: float) -> str:
    sent, admitted = sum(row.sent for row in rows), sum(row.admitted for row in rows)
    refused = sum(row.refused for row in rows)
    return f"{passed:4.0f} s: {sent:,} sent, {admitted:,} admitted, {refused:,} refused"
