"""Roles, the permission table, and the rules for passwords."""
