"""What people are told.

Owns notifications in the app, by e-mail and by push, people's preferences and their devices.
Does not own the facts that cause them.
"""
