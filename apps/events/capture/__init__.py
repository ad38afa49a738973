"""Change capture: rows of chosen tables, whoever wrote them, out of PostgreSQL's own log.

One logical slot is read with `pgoutput`. Every change becomes the JSON document that Debezium
makes of it, so that Debezium Server can take our place, and goes to a change stream in the order
of commits.
"""
