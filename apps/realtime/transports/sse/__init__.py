"""Server-sent events (HTML Living Standard, section 9.2): `/api/v1/events/watch`."""
