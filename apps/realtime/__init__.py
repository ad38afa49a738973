"""The hub and its transports: WebSocket, SSE, WebTransport, and the event backbone.

Owns rooms and the rules for joining them, history and recovery, presence, and fan-out between
processes. Does not own any business: apps declare their rooms here, never the other way round.
"""
