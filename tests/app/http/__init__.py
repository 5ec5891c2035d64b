"""Tests: HTTP."""
