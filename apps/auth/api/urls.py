"""Addresses of accounts, relative to /api/v1/."""

from django.urls import path

from apps.auth.api.views import audit, profile, sign_in

urlpatterns = [
    path("audit", audit.AuditView.as_view(), name="audit"),
    path("auth/register", sign_in.RegisterView.as_view(), name="auth-register"),
    path("auth/login", sign_in.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", sign_in.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", sign_in.LogoutView.as_view(), name="auth-logout"),
    path("users/me", profile.OwnUserView.as_view(), name="users-me"),
]
