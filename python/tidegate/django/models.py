"""A model without a table, which gives the admin page its place and its permissions.

Nothing is stored here: limits stand in the code and in the settings, counts in the store.
"""

from __future__ import annotations

from django.db import models


class Limit(models.Model):
    """A limit, as the admin shows it."""

    class Meta:
        """No table, and two permissions: to look, and to give a key its quota back."""

        managed = False
        app_label = "tidegate"
        default_permissions = ("view",)
        permissions = (("reset_limit", "Can reset the keys of limits"),)
        verbose_name = "rate limit"
        verbose_name_plural = "rate limits"
