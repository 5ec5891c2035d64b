"""Rows of an asset update."""
