"""Tests: flowchart."""
