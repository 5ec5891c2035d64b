"""Accounts as administrators keep them: what is done at once, what waits for a second person, and who is told."""
