"""The business: one package an app. docs/architecture.md tells how they may depend."""
