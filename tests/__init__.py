"""Everything that is claimed of the program, tried out."""
