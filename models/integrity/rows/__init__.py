"""The rows of the register, compared with what the audit trail tells of them."""
