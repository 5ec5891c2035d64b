"""Moves of a request on its page: the submitted form, outcomes, assignment, what waits next."""
