"""Finding things.

Owns search across apps, what is trending, and similar tracks. Does not own what it finds.
"""
