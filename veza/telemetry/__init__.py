"""What leaves the process so that people can see into it: logs, error reports, traces.

All three drop secrets by the same rules (`veza.kit.redaction`), and all three carry the request
id. Error reports need SENTRY_DSN, traces OTEL_EXPORTER_OTLP_ENDPOINT; without them both are off.
"""
