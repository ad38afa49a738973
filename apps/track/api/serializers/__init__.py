"""Shapes on the wire. Input classes check form; output classes choose fields."""
