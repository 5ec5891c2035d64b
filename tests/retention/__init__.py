"""How long records are kept, and what is erased."""
