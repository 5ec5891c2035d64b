"""Parsing of search queries."""
