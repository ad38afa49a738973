"""Keeping the platform decent.

Owns reports, cases, decisions, appeals and automatic rules. Does not own the things it decides
upon: it asks their apps to act.
"""
