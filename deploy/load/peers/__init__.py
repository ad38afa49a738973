"""The servers that are measured in one run: ours, and those that people would pick instead.

Nothing here is part of the product, and nothing that a peer needs is a dependency of it.
"""
