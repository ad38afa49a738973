"""Facts: something happened that anyone may rely on.

Owns the registry of facts (name, version, JSON Schema, example), the outbox, the relay, the log,
delivery to handlers with its inbox and dead letters, and change capture.
Does not own what a fact means: that belongs to the app that publishes it.
"""
