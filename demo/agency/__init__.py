"""The agencies of the demo: people, office hours, assets and events."""
