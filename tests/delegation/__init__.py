"""Tests: delegation."""
