"""The screen of the self-check."""
