"""Measurements of ourselves beside our peers, in one run on one machine."""
