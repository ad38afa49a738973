"""Music and pictures of the demo: synthesised here, the same each time."""
