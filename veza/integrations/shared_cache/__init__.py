"""Django's cache in Redis or Valkey, as far as it may be relied on: CACHES names it."""
