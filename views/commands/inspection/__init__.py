"""Commands for inspections: the dossier of a period, and the log of events."""
