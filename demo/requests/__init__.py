"""The requests of the demo: which way each takes, and what happens on it."""
