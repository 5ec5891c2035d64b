"""Timing of steps: measurement, stored durations, and the deadline sweep."""
