"""The screen of the asset list."""
