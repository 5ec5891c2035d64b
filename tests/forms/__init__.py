"""Tests of what all forms share."""
