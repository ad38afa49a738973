"""Decisions about counting: no database, no network, no clock."""
