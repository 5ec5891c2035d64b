"""Backups: one file with everything that the database holds, and a manifest of hashes; and the way back."""
