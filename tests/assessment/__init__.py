"""Findings of outside assessors."""
