"""The ground rules of the HTTP API, once for every endpoint."""
