"""Steps that an SOP has more than once, and steps of its own."""
