"""Tests: parsing."""
