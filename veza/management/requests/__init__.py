"""Every call of the API as a request that can be sent: read from the schema, written as files."""
