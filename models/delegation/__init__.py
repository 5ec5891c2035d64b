"""The head's absence, and who acts meanwhile."""
