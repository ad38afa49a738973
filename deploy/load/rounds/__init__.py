"""What `deploy/load/datastream.py` is made of: servers of its own, watchers, the three parts."""
