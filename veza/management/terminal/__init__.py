"""Clients of the event backbone for terminals: what `manage.py backbone` runs."""
