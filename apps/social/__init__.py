"""What people do with each other.

Owns follows, comments, reposts, shares, blocks and the feed. Does not own likes of tracks (track)
nor what people are told about all this (notifications).
"""
