"""`flask tidegate`: what is limited, how it is set up, what is missing, and a key reset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click
from flask.cli import with_appcontext
from werkzeug.exceptions import HTTPException

from tidegate._limiter import Limiter
from tidegate.errors import ConfigError, TidegateError
from tidegate.flask._ask import Question
from tidegate.flask._bound import Bound
from tidegate.flask._facts import has_user
from tidegate.flask._refusal import running_app

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate.flask._bound import OwnGate
    from tidegate.flask._state import State

group = click.Group("tidegate", help="Shows, checks and resets the limits of this application.")

# Flask adds these two to routes by itself.
_AUTOMATIC = {"HEAD", "OPTIONS"}
# Where counts are in the memory of one process, which no other can reach.
_PRIVATE = "memory://"


@group.command("limits")
@click.option("--endpoint", help="Only this endpoint, such as blog.index.")
@click.option("--path", help="Only the route that serves this path, such as /posts/7.")
@click.option("--method", help="Only this method.")
@with_appcontext
def show_limits(endpoint: str | None, path: str | None, method: str | None) -> None:
    """Lists the limits of every route, in the order in which they are asked."""
    method = None if method is None else method.upper()
    meant = None if path is None else _endpoints_at(path, method)
    shown = 0
    for rule, served in _routes():
        if endpoint not in (None, rule.endpoint) or method not in (None, served):
            continue
        if meant is not None and rule.endpoint not in meant:
            continue
        shown += 1
        click.echo(f"{served} {rule.rule}  ({rule.endpoint})")
        bounds = [bound for state in _states() for bound in state.plan.of(rule.endpoint, served)]
        for bound in bounds:
            click.echo(f"    {_described(bound)}")
        if not bounds:
            click.echo("    no limit")
    if not shown:
        raise click.ClickException("no route is meant: see `flask routes` for those there are")


@group.command("config")
@with_appcontext
def show_config() -> None:
    """Prints the settings in force, without passwords."""
    for state in _states():
        settings = state.settings
        shown = {
            "limit": settings.limit,
            "default": settings.default,
            "gate": settings.gate,
            "enabled": settings.enabled,
            "user": settings.user and settings.user.name,
            "on_breach": settings.on_breach and settings.on_breach.name,
            **settings.options,
        }
        for name, value in shown.items():
            if value is not None:
                click.echo(f"{name} = {_masked(value)}")


@group.command("check")
@with_appcontext
def check() -> None:
    """Fails when a route has no limit, or a limit can never work."""
    problems: list[str] = []
    plans = [state.plan for state in _states()]
    for rule, method in _routes():
        place = rule.endpoint, method
        try:
            if not any(plan.of(*place) or plan.frees(*place) for plan in plans):
                problems.append(f"{method} {rule.rule} ({rule.endpoint}) has no limit")
        except ConfigError as error:
            problems.append(f"{method} {rule.rule} ({rule.endpoint}): {error}")
            continue
        problems += [
            f'{method} {rule.rule} ({rule.endpoint}) counts by "user", and nobody tells who is '
            "signed in: give TideGate(user=...), or use Flask-Login"
            for state in _states()
            if _lacks_user(state, *place)
        ]
    for problem in problems:
        click.echo(problem)
    if problems:
        raise click.exceptions.Exit(1)
    click.echo("every route has a limit, or is exempt")


@group.command("reset")
@click.option("--key", required=True, help="Whom to forget, as `decision.key` tells it.")
@click.option("--endpoint", help="Only the limits of this endpoint.")
@with_appcontext
def reset(key: str, endpoint: str | None) -> None:
    """Gives a key its full quota back, in a store that this command can reach."""
    done: set[tuple[str, str]] = set()
    for rule, method in _routes():
        if endpoint not in (None, rule.endpoint):
            continue
        for state in _states():
            for bound in state.plan.of(rule.endpoint, method):
                if isinstance(bound, Bound):
                    limit = bound.limit.value
                    if isinstance(limit, str) and (bound.name, limit) not in done:
                        done.add((bound.name, limit))
                        _reset(bound, limit, key)
    if not done:
        raise click.ClickException("no limit is meant: see `flask tidegate limits`")


def _reset(bound: Bound, limit: str, key: str) -> None:
    options = bound.options
    store: Any = options.get("store", _PRIVATE)
    if isinstance(store, str) and store.startswith(_PRIVATE):
        raise click.ClickException(
            f"{bound.name} counts in {_PRIVATE}, inside the processes of the server, where no "
            "command reaches: restart it, or use a store that is shared"
        )
    if options.get("key", "global") == "global" and not options.get("per_ip"):
        click.echo(f"{bound.name} counts everybody together, and has no keys")
        return
    try:
        with Limiter(limit, name=bound.name, store=store, clock=options.get("clock")) as limiter:
            limiter.reset(key)
    except TidegateError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{bound.name} has forgotten {key}")


def _described(bound: Bound | OwnGate) -> str:
    """One limit in words."""
    limit = bound.limit
    if limit is None:
        return f"a gate of its own  [{bound.origin}]"
    value = limit.value
    shown = f"what {value.name} returns" if isinstance(value, Question) else value
    return f"{shown}  [{bound.origin}, counted as {bound.name}]"


def _lacks_user(state: State, endpoint: str, method: str) -> bool:
    return not has_user(state.app, state.settings.user) and any(
        isinstance(bound, Bound) and bound.options.get("key") == "user"
        for bound in state.plan.of(endpoint, method)
    )


def _routes() -> Iterator[tuple[Any, str]]:
    for rule in running_app().url_map.iter_rules():
        methods = set(rule.methods or {"GET"})
        for method in sorted(methods - _AUTOMATIC or methods):
            yield rule, method


def _states() -> list[State]:
    app = running_app()
    return [extension.state_of(app) for extension in app.extensions["tidegate"]]


def _endpoints_at(path: str, method: str | None) -> set[str]:
    """The endpoints that serve a path, by one method or by any."""
    found: set[str] = set()
    bound = running_app().url_map.bind("localhost")
    for served in {method} if method else {served for _, served in _routes()}:
        with suppress(HTTPException):
            found.add(bound.match(path, method=served)[0])
    if not found:
        raise click.ClickException(f"no route serves {method or 'any method of'} {path}")
    return found


def _masked(value: object) -> str:
    """A setting in print; what stands before the host of a URL is nobody's business."""
    return re.sub(r"(://).*@", r"\1***@", str(value))
