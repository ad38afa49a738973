"""Addresses of conversations, relative to /api/v1/."""

from django.urls import path

from apps.chat.api import internal, views

urlpatterns = [
    path("chat/token", views.ChatTokenView.as_view(), name="chat-token"),
    path("internal/chat/introspect", internal.IntrospectView.as_view(), name="chat-introspect"),
]
