"""The requests of the demo: their routes, timing, actors and related events."""
