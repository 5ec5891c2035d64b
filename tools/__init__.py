"""Programs for whoever works on this one; the product does not need them."""
