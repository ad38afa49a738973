"""People and what they may do.

Owns users, profiles, sessions, tokens, second factors, roles and permissions, the audit log,
export and erasure. Does not own what a permission protects: each app names its own.
Its label is `accounts`, because `auth` belongs to django.contrib.auth.
"""
