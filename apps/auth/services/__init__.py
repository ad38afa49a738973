"""Writes. Each function is one use case, one transaction, and the facts it makes true."""
