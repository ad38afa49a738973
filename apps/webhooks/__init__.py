"""Partners' programs.

Owns the endpoints of partners, deliveries, their attempts, retries and dead letters. Does not own
the webhooks that others send to us: the app that understands them does.
"""
