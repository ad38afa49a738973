"""Reads. Nothing outside this app queries its tables."""
