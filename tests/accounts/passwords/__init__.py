"""Tests: passwords."""
