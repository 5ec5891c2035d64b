"""Tests: records of steps."""
