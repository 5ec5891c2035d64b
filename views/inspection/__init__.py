"""The dossier of a period for an inspection: made, verified, handed out."""
