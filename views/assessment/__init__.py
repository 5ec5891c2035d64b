"""Findings of outside assessors: list and forms."""
