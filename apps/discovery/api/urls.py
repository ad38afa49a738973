"""Addresses of discovery, relative to /api/v1/."""

from django.urls import path

from apps.discovery.api.views import SearchView

urlpatterns = [path("search", SearchView.as_view(), name="search")]
