"""Shared code without business and without vendors: another company's product could use it."""
