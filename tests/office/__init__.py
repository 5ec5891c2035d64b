"""Tests: office."""
