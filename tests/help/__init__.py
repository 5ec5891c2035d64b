"""Tests: help."""
