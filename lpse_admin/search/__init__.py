"""How a search query is read."""
