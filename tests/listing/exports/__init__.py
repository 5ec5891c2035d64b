"""Tests: exports of lists."""
