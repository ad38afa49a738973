"""An app of the tests: one fact, and a handler that does what the fact says, poison included."""
