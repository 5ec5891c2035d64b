"""The reader's language and time zone."""
