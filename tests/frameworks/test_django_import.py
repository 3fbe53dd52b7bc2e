"""The adapter of Django is imported by projects that have no settings yet."""

import subprocess
import sys


def test_the_adapter_of_django_can_be_imported_before_there_are_settings() -> None:
    code = (
        "import tidegate.django, sys; from django.conf import settings;"
        "assert not settings.configured and 'tidegate.django.models' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
