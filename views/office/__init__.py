"""Holidays and settings of an office."""
