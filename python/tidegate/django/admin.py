"""The admin page: every rule, the keys that it counts, and a button that resets one of them.

Who may look has the permission `tidegate.view_limit`, who may reset `tidegate.reset_limit` too.
Every reset is in the admin's log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http import HttpResponseRedirect as Redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from tidegate._native import Decision
from tidegate.django._counts import MOST, Row, rows
from tidegate.django._state import current_state
from tidegate.django.models import Limit
from tidegate.errors import TidegateError

TYPE_CHECKING = False
# Of a client's key, what fits into the log's column.
_LONGEST_SHOWN = 150


if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Limit]
else:
    _Base = admin.ModelAdmin  # which takes no parameter at run time


class LimitAdmin(_Base):
    """Shows limits, which have no table."""

    def get_urls(self) -> list[URLPattern]:
        """The page, and where its button leads."""
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name="tidegate_limit_changelist"),
            path("reset/", wrap(self.reset_view), name="tidegate_limit_reset"),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the base's
        """Nobody may: limits stand in the code."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - the base's
        """Nobody may: limits stand in the code."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - the base's
        """Nobody may: limits stand in the code."""
        return False

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Whether this user may reset keys."""
        return self.has_view_permission(request) and _may(request, "tidegate.reset_limit")

    def changelist_view(
        self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None
    ) -> HttpResponse:
        """All rules, and the keys of the one that is chosen."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        every = rows(current_state())
        chosen = _chosen(every, request.GET.get("rule"))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Rate limits",
            "opts": self.model._meta,
            "rows": every,
            "chosen": chosen,
            "most": MOST,
            "may_reset": self.has_reset_permission(request),
            "prefix": request.GET.get("prefix", ""),
            "key": request.GET.get("key"),
            **(extra_context or {}),
        }
        if chosen is not None:
            context.update(_keys(chosen, request.GET))
        current: Any = request
        current.current_app = self.admin_site.name
        return TemplateResponse(request, "tidegate/limits.html", context)

    def reset_view(self, request: HttpRequest) -> HttpResponse:
        """Lets a rule forget a key."""
        if not self.has_reset_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen = _chosen(rows(current_state()), request.POST.get("rule"))
        if chosen is None:
            raise Http404("no rule is called so")
        key = request.POST.get("key", "")
        try:
            chosen.reset(key)
        except (TidegateError, ValueError) as error:
            messages.error(request, f"{chosen.name} still counts {key!r}: {error}")
        else:
            messages.success(request, f"{chosen.name} has forgotten {key!r}.")
            _log(request, chosen, key)
        query = urlencode({"rule": chosen.name, "key": key})
        page = reverse(f"{self.admin_site.name}:tidegate_limit_changelist")
        return Redirect(f"{page}?{query}")


def _chosen(every: list[Row], name: str | None) -> Row | None:
    return next((row for row in every if row.name == name), None)


def _keys(row: Row, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows of one rule: a list or why there is none, and the key asked for."""
    shown: dict[str, Any] = {"listed": [], "cannot_list": "", "decision": None, "problem": ""}
    try:
        shown["listed"] = row.list(asked.get("prefix", ""))
    except (TidegateError, ValueError) as error:
        shown["cannot_list"] = str(error)
    key = "" if row.is_global else asked.get("key")
    if key is None or not (key or row.is_global):
        return shown
    try:
        decision: Decision = row.inspect(key)
    except (TidegateError, ValueError) as error:
        shown["problem"] = str(error)
    else:
        shown["decision"] = decision
    return shown


def _may(request: HttpRequest, permission: str) -> bool:
    user: Any = request.user
    return bool(user.has_perm(permission))


def _log(request: HttpRequest, row: Row, key: str) -> None:
    user: Any = request.user
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(Limit),
        object_repr=row.name[:_LONGEST_SHOWN],
        action_flag=CHANGE,
        change_message=f"Reset the key {key[:_LONGEST_SHOWN]!r}.",
    )


site: Any = admin.site
site.register(Limit, LimitAdmin)
