"""The app `tidegate.django`, for INSTALLED_APPS: system checks, an admin page, a template tag."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class TideGateConfig(AppConfig):
    """Rate limits."""

    name = "tidegate.django"
    label = "tidegate"
    verbose_name = "Rate limits"

    def ready(self) -> None:
        """Registers the system checks."""
        from tidegate.django import checks as ours  # noqa: PLC0415 - needs the registry of apps

        checks.register(ours.check_settings)
        checks.register(ours.check_decorators)
        checks.register(ours.check_deployment)
