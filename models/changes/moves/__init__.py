"""Moves of a request: who holds a step, its case file, drafts, and the transition function."""
