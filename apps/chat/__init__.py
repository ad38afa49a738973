"""Conversations.

Owns rooms, messages, chat tokens, modes, bans, reactions and read state. Does not own the sockets
that carry them (realtime).
"""
