"""Is the process alive, can it serve, and what does it measure."""
