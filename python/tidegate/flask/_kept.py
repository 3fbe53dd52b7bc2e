"""What our middleware keeps in the environ, for code that Flask's own context leads there.

A note in a context variable of ours would say the same once more, for as much as a decision costs.
"""

from __future__ import annotations

from typing import cast

import flask

from tidegate._native import WsgiPassage
from tidegate.flask._refusal import running_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tidegate._current import Noted

# Where the first of the gates that a request passes has its passage, as long as that lasts.
_GATES = "tidegate.gates"


def kept() -> Noted | None:
    """What is kept of the request that Flask is serving in this context."""
    if not flask.has_request_context():
        return None
    environ = running_request().environ
    passage = environ.get(_GATES)
    if isinstance(passage, list):
        passage = cast("list[object]", passage)[0]
    return (environ, None, passage.gate, passage) if isinstance(passage, WsgiPassage) else None
