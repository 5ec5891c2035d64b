"""Absences of the head, and delegations to an acting head."""
