"""WebTransport: commands on a stream of the client's, and a stream of ours for each room."""
