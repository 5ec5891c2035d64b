"""The screen of attached files."""
