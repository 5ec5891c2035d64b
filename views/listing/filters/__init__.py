"""Filters and search of a list."""
