"""One's own sessions and second factors."""
