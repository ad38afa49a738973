"""HTTP at the edge: what stands between the ASGI server and Django."""
