"""The project's URLs, and the admin's, which need what `apps_django` must not import."""

from django.contrib import admin
from django.urls import path

from tests.frameworks.apps_django import urlpatterns as _project

urlpatterns = [path("admin/", admin.site.urls), *_project]
