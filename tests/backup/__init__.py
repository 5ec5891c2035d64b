"""Tests: backup."""
