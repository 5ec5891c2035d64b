"""How long records are kept, and what then: set by each office, nothing by the program."""
