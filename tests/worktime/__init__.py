"""Tests: worktime."""
