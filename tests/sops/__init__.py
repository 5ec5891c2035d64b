"""Tests: sops."""
