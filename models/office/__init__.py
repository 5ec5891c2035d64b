"""Agencies, their settings, hours and holidays."""
