"""Addresses of accounts, relative to /api/v1/."""

from django.urls import path

from apps.auth.api.views import audit, factors, passkeys, profile, sign_in

urlpatterns = [
    path("audit", audit.AuditView.as_view(), name="audit"),
    path("auth/register", sign_in.RegisterView.as_view(), name="auth-register"),
    path("auth/login", sign_in.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", sign_in.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", sign_in.LogoutView.as_view(), name="auth-logout"),
    path("auth/2fa", factors.TwoFactorView.as_view(), name="auth-2fa"),
    path("auth/2fa/setup", factors.SetupView.as_view(), name="auth-2fa-setup"),
    path("auth/2fa/confirm", factors.ConfirmView.as_view(), name="auth-2fa-confirm"),
    path("auth/2fa/recovery-codes", factors.RecoveryCodesView.as_view(), name="auth-2fa-codes"),
    path("auth/step-up", factors.StepUpView.as_view(), name="auth-step-up"),
    path("auth/passkeys", passkeys.PasskeysView.as_view(), name="passkeys"),
    path("auth/passkeys/<uuid:passkey_id>", passkeys.PasskeyView.as_view(), name="passkey"),
    path(
        "auth/passkeys/register/options",
        passkeys.RegisterOptionsView.as_view(),
        name="passkeys-register-options",
    ),
    path("auth/passkeys/register", passkeys.RegisterView.as_view(), name="passkeys-register"),
    path(
        "auth/passkeys/login/options",
        passkeys.LoginOptionsView.as_view(),
        name="passkeys-login-options",
    ),
    path("auth/passkeys/login", passkeys.LoginView.as_view(), name="passkeys-login"),
    path("users/me", profile.OwnUserView.as_view(), name="users-me"),
]
