"""Gates that follow a configuration file, and the thread that looks after them.

One thread a process looks at the files twice a second. It starts with the first request, so that
a server that only forks workers has none, and anew in every worker. The first request looks by
itself, before it is decided. Reading, checking and swapping is the engine's business.
"""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
import weakref

from tidegate._native import Gate
from tidegate._template import checked_template
from tidegate.errors import ConfigError, ConfigTypeError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from typing import Any

    from tidegate._native import Clock

logger = logging.getLogger("tidegate")

# Seconds between two looks. Workers follow a change in these, and the time that reading takes.
_PERIOD = 0.5


class _Followed:
    """The gates of this process that follow a file, and who looks after them."""

    def __init__(self) -> None:
        self.gates: weakref.WeakSet[Gate] = weakref.WeakSet()
        # Those whose file is read only once.
        self.fixed: weakref.WeakSet[Gate] = weakref.WeakSet()
        # Of the configuration that was read last, for code that names a rule.
        self.latest: weakref.ref[Gate] | None = None
        # Of TIDEGATE_CONFIG, which nobody else holds.
        self.of_environment: Gate | None = None
        self.forget_thread()
        # Held while a gate is read anew, so that no process is forked meanwhile: the engine's
        # own lock would be held for ever in the child.
        self.looking = threading.RLock()

    def forget_thread(self) -> None:
        """Begins as a process does in which nobody looks."""
        self.thread: threading.Thread | None = None
        # Set when somebody asks for a look in any case.
        self.asked = threading.Event()

    def look(self, *, force: bool) -> None:
        """Takes over what has changed, and says what came of it."""
        if force:
            self.asked.clear()
        with self.looking:
            for gate in list(self.gates):
                if gate not in self.fixed:
                    _reload(gate, force=force)

    def see_to_it(self) -> None:
        """Looks now, and has somebody look from now on."""
        self.look(force=self.asked.is_set())
        with self.looking:
            for gate in list(self.gates):
                _open_admin(gate)
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(
                    target=self._run, name="tidegate-config", daemon=True
                )
                self.thread.start()

    def end(self) -> None:
        """Answers nobody any more: the process ends."""
        for gate in list(self.gates):
            gate.close_admin()

    def _run(self) -> None:
        asked = self.asked
        while True:
            force = asked.wait(_PERIOD)
            self.look(force=force)

    def before_fork(self) -> None:
        """Waits until nobody looks."""
        self.looking.acquire()

    def after_fork_in_parent(self) -> None:
        """Goes on."""
        self.looking.release()

    def after_fork_in_child(self) -> None:
        """Starts anew: the thread stayed with the parent."""
        self.looking = threading.RLock()
        self.forget_thread()
        for gate in list(self.gates):
            gate.unsettle()


_followed = _Followed()
atexit.register(_followed.end)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_followed.before_fork,
        after_in_parent=_followed.after_fork_in_parent,
        after_in_child=_followed.after_fork_in_child,
    )


def load_gate(
    path: str | PathLike[str],
    *,
    clock: Clock | None = None,
    on_breach: Callable[..., Any] | None = None,
    template: str | PathLike[str] | None = None,
    reload: bool = True,
) -> Gate:
    r"""Makes the gate that a configuration file describes, and keeps it up to date.

    When the file changes, or one that it includes, it is read again, checked, and taken over as a
    whole; counts are kept. With a mistake in it the rules stay as they are, and the log says why,
    once. In a process without a terminal, SIGHUP has it read in any case.

    Args:
        path: a TOML or YAML file, told by its ending.
        clock: a test's clock.
        on_breach: as for `protect_app`.
        template: as for `protect_app`.
        reload: False to read it only once.

    Returns:
        What `gate=` of every adapter takes.

    Raises:
        ConfigError: every mistake in it, each with file, line, column and field.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "tidegate.toml")
        >>> _ = file.write_text("[[rules]]\nname = 'api'\nkey = 'ip'\nlimit = '100/minute'\n")
        >>> load_gate(file).rules
        [Rule('api', '100/minute', key='ip', cost=1)]
    """
    # It comes from outside, where nobody may have checked types.
    if not isinstance(path, (str, os.PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigTypeError(f"`config` must be the path of a file, got {shorten(path)}")
    if on_breach is not None and not callable(on_breach):
        raise ConfigTypeError(f"`on_breach` must be a callable, got {shorten(on_breach)}")
    checked = None if template is None else checked_template(template)
    file = os.fspath(path)
    gate, warnings = Gate.configured(file, clock=clock, on_breach=on_breach, template=checked)
    for warning in warnings:
        logger.warning("%s", warning)
    _followed.latest = weakref.ref(gate)
    _followed.gates.add(gate)
    if reload:
        _listen()
    else:
        _followed.fixed.add(gate)
    return gate


def latest_gate() -> Gate | None:
    """The gate of the configuration that this process read last; that of TIDEGATE_CONFIG if none.

    Raises:
        ConfigError: what is wrong with the file that TIDEGATE_CONFIG names.
    """
    gate = None if _followed.latest is None else _followed.latest()
    path = os.environ.get("TIDEGATE_CONFIG")
    if gate is None and path:
        gate = _followed.of_environment = load_gate(path)
    return gate


def wake() -> None:
    """Looks at once, and sees to it that somebody goes on looking.

    The compiled module calls this before the first decision of a gate in a process.
    """
    _followed.see_to_it()


def _open_admin(gate: Gate) -> None:
    try:
        gate.open_admin()
    except ConfigError as error:
        # The requests are served all the same.
        message = "nobody can ask this process about its limits: %s"
        logger.error(message, error)


def _reload(gate: Gate, *, force: bool) -> None:
    try:
        said = gate.reload(force=force)
    except ConfigError as error:
        # The file's mistake, of which a traceback would tell nothing.
        message = "the configuration is not taken over, and the one before it stays:\n%s"
        logger.error(message, error)
        return
    if said is not None:
        logger.info("the configuration has been read again, and is taken over")
        for remark in said:
            logger.warning("%s", remark)


def _listen() -> None:
    """Takes SIGHUP, where nobody else has it and no terminal would send it at its end."""
    hangup = getattr(signal, "SIGHUP", None)
    if (
        hangup is None
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(hangup) is not signal.SIG_DFL
        or _has_terminal()
    ):
        return
    signal.signal(hangup, lambda _number, _frame: _followed.asked.set())


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
