"""Delegations and absences of the head."""
