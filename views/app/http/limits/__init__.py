"""How many requests may do what is dear at once."""
