"""Adapters of the rate limit port (veza.kit.rate_limits): Redis for all, memory for one process."""
