"""The asset list (KIB)."""
