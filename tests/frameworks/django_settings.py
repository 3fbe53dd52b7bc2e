"""The settings of the Django project in `apps_django`; what differs is in the environment."""

import json
import os

DEBUG = bool(os.environ.get("TIDEGATE_TEST_DEBUG"))
SECRET_KEY = "test"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = os.environ.get("TIDEGATE_TEST_URLS", "tests.frameworks.apps_django")
WSGI_APPLICATION = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING_CONFIG = None
STATIC_URL = "static/"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

TIDEGATE = json.loads(os.environ.get("TIDEGATE_TEST_SETTING", '{"key": "ip"}'))

_OURS = ["tidegate.django.TideGateMiddleware"]
_ADMIN = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
_ORDERS = {
    "first": [*_OURS, "django.middleware.common.CommonMiddleware", *_ADMIN],
    "last": ["django.middleware.common.CommonMiddleware", *_ADMIN, *_OURS],
    "zipped": [*_OURS, "django.middleware.gzip.GZipMiddleware", *_ADMIN],
    "unzipped": ["django.middleware.gzip.GZipMiddleware", *_OURS, *_ADMIN],
    "sync": [*_OURS, "tests.frameworks.apps_django.SyncOnly", *_ADMIN],
    "without": _ADMIN,
}
MIDDLEWARE = _ORDERS[os.environ.get("TIDEGATE_TEST_ORDER", "first")]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "tidegate.django",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("TIDEGATE_TEST_DATABASE", ":memory:"),
    }
}
