"""The screen of deviations."""
