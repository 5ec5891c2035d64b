"""Figures of an office, and what waits for whom."""
