"""Everything that is stored is compared with what the trail says of it, and every insider is caught."""
