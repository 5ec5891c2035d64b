"""Freezes, the release calendar and its feed."""
