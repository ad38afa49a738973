"""How long tests wait for what has to come and is promised no time."""

PATIENCE_S = 120.0
"""Also on a machine that others keep busy: who waits so long waits for something that is broken."""
PATIENCE_MS = PATIENCE_S * 1000
