"""Dossiers of a period that were asked for: one at a time is made, in the background."""
