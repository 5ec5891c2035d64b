"""What an outside assessor found, in the form of the standard of internal assessment."""
