"""HTTP of conversations."""
