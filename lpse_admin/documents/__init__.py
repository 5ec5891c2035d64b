"""The files that may be attached: their types, names and checks."""
