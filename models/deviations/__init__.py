"""Deviations from the standard of an SOP."""
