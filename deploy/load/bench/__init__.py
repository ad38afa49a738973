"""The bench of the fan-out measurements: the client, the processes, the scenarios, the tables."""
