"""Tests: assets of requests."""
