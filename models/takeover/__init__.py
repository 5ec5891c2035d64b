"""Taking over lists of assets."""
