"""The event backbone: `/ws` for CONSUMERs, `/ws/ingest` for INGESTORs, in plain JSON."""
