"""The screen of the audit trail, and the audit context of a web request."""
