"""`{% load tidegate %}`: shows in a page what is left."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.simple_tag(takes_context=True)
def tidegate_remaining(context: Any) -> Any:
    """Units that the client can still spend at once, or nothing where no limit applies.

    The same as `request.tidegate.remaining`, and needs what that needs: the context processor
    `request`, and a limit that was asked before the page is rendered.
    """
    decision = getattr(context.get("request"), "tidegate", None)
    return "" if decision is None else decision.remaining
