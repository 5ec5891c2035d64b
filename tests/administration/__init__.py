"""Tests: administration of accounts."""
