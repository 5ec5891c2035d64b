"""Verification of the whole register: everything that is stored, compared with what the audit trail says of it."""
