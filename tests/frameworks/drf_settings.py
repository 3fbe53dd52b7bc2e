"""The settings of the API in `apps_drf`: those of the Django project, and REST framework's."""

import json
import os

from tests.frameworks.django_settings import *  # noqa: F403 - settings are names in a module
from tests.frameworks.django_settings import INSTALLED_APPS as _APPS

ROOT_URLCONF = "tests.frameworks.apps_drf"
INSTALLED_APPS = [*_APPS, "rest_framework"]
REST_FRAMEWORK = {
    "DEFAULT_THROTTLE_RATES": {
        "anon": "2/hour",
        "user": "3/hour",
        "uploads": "1/day",
        "downloads": "2/h; 100/day",
        "burst": "2/min",
        "sustained": "5/day",
    },
    "NUM_PROXIES": json.loads(os.environ.get("TIDEGATE_TEST_NUM_PROXIES", "null")),
}
