"""Buying and selling.

Owns products, licence terms, orders, payments, licences, downloads, the ledger, payouts and
reviews. Does not own the recordings that are sold (track).
"""
