"""Tests: the rules of the workflow."""
