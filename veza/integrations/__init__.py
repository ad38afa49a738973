"""The outside world: a folder for each capability, with a port and its adapters."""
