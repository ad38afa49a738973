"""How long tests wait for what has to come and is promised no time."""

from typing import Any

PATIENCE_S = 120.0
"""Also on a machine that others keep busy: who waits so long waits for something that is broken."""
PATIENCE_MS = PATIENCE_S * 1000
PATIENT: dict[str, Any] = {"open_timeout": PATIENCE_S, "ping_timeout": None}
"""For `connect` of websockets, which gives up a server that is slow otherwise."""
