"""`python -m demo`: starts both applications, sends the spike, and says whether the bounds hold."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from demo.plan import CASTS, LIMIT, QUOTA, total_requests
from demo.records import GroupLog
from demo.report import Row, as_json, final_row, holds, live_row, untested, verdict
from demo.screen import Screen
from demo.server import Apps, StartError, running_apps
from demo.traffic import send_spike

HOLDS, BROKEN, COULD_NOT_RUN, INTERRUPTED = 0, 1, 2, 130
FLOODS = {cast.group.name for cast in CASTS if cast.group.floods}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo and returns its exit status.

    0 when every bound holds, 1 when one does not, 2 when the demo could not run, 130 when it was
    interrupted.
    """
    options = _parser().parse_args(arguments)
    wants = {cast.group.name: cast.group.wants for cast in CASTS}
    screen = Screen(Console(), wants)
    for stop in (signal.SIGTERM, signal.SIGHUP):
        # Not what Ctrl-C does, by sending SIGINT: a job in the background of a script ignores that.
        if signal.getsignal(stop) is not signal.SIG_IGN:
            signal.signal(stop, signal.default_int_handler)
    try:
        with running_apps(options.broken) as apps:
            return _run(screen, apps, options)
    except StartError as error:
        screen.say(str(error), style="red")
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        screen.say("interrupted; both applications are stopped")
        return INTERRUPTED


def _run(screen: Screen, apps: Apps, options: argparse.Namespace) -> int:
    screen.say(
        f"FastAPI under uvicorn on port {apps.ports['fastapi']}, Flask under gunicorn on port "
        f"{apps.ports['flask']}.\nEach: {LIMIT} requests per second per address. "
        f"At most {total_requests(options.seconds):,} requests in {options.seconds:g} s."
    )
    rows = asyncio.run(_spike(screen, apps.ports, options.seconds))
    screen.say()
    screen.show(rows)
    screen.say()
    screen.say(verdict(rows), style="bold green" if holds(rows) else "bold red")
    if weak := untested(rows, FLOODS):
        screen.say(
            "This machine is too busy to send more than fits, which tests nothing, for: "
            f"{', '.join(weak)}.",
            style="yellow",
        )
    if not holds(rows) and (words := apps.last_words()):
        screen.say(words)
    if options.json is not None:
        data = as_json(rows, floods=FLOODS, limit=LIMIT, seconds=options.seconds)
        options.json.write_text(json.dumps(data, indent=2) + "\n")
    if options.keep:
        _keep(screen, apps.ports)
    return HOLDS if holds(rows) else BROKEN


async def _spike(screen: Screen, ports: Mapping[str, int], seconds: float) -> list[Row]:
    keys = [(cast.app, cast.group.name) for cast in CASTS]
    logs = {key: GroupLog(*key) for key in keys}
    follow = asyncio.ensure_future(
        screen.follow(lambda: [live_row(QUOTA, log) for log in logs.values()], seconds=seconds)
    )
    try:
        await send_spike(CASTS, ports, logs, seconds=seconds)
    finally:
        follow.cancel()
        with suppress(asyncio.CancelledError):
            await follow
    return [final_row(QUOTA, log) for log in logs.values()]


def _keep(screen: Screen, ports: Mapping[str, int]) -> None:
    code = "-s -o /dev/null -w '%{http_code} '"
    thirty = f'curl {code} "$url/?n=[1-30]"'
    told = f"""
Both applications keep running. To try, in another terminal:

  url=http://127.0.0.1:{ports["fastapi"]}    # or Flask: url=http://127.0.0.1:{ports["flask"]}

the header fields
  curl -i $url/
30 at once, of which {LIMIT} or a few more get in
  {thirty}
30 at once, then 5 that claim to be somebody else: refused as well
  {thirty} --next {code} -H 'X-Forwarded-For: 10.0.0.1' "$url/?n=[1-5]"
30 at once, then the refusal that a browser sees
  {thirty} --next -s -i -H 'Accept: text/html' $url/
somebody else still gets in
  {thirty}; curl -i --interface 127.0.0.9 $url/

Ctrl-C stops them."""
    with suppress(KeyboardInterrupt):
        screen.say(told)
        # Not `signal.pause`: a signal that comes just before it would be slept through.
        while True:
            time.sleep(0.2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./dev demo",
        description="Sends a bounded spike over loopback to two protected applications. "
        "Exit status 0 when every client got what theory allows.",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=10.0, help="how long to send, 2 to 60; 10 by default"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the applications running until Ctrl-C"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there as well")
    # For the tests, and for those who doubt: the verdict must fail with either.
    parser.add_argument(
        "--broken", choices=("unprotected", "gullible"), default=None, help=argparse.SUPPRESS
    )
    return parser


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 2.0 <= (seconds := float(text)) <= 60.0:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 2 to 60")


if __name__ == "__main__":
    sys.exit(main())
