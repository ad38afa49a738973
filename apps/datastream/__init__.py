"""Feeds of data: many and perishable values, kept as their last ones.

Owns games and their rounds (by change capture), instruments and prices (by ingestors), their
projections, and the sample domain of metrics. Does not own capture itself (events).
"""
