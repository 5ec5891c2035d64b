"""Which files may be attached."""
