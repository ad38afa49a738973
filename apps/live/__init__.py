"""Live streams.

Owns streams, their viewers, raids and channel subscriptions. Does not own the chat beside a
stream (chat) nor the counting of past views (analytics).
"""
