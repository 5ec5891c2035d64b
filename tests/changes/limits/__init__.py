"""Limits on the time of a whole request, or of a stretch of its steps."""
