"""Tests: moves of requests."""
