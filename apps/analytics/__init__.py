"""Counting.

Owns listening events, plays, rollups and dashboards. Does not own operational metrics, which are
Prometheus' (veza.telemetry).
"""
