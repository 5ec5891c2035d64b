"""The user's language and time zone."""
