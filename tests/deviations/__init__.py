"""Tests: deviations."""
