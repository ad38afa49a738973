"""HTTP of recordings."""
