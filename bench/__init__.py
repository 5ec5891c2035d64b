"""The benchmark: the program compared with stock Flask-Admin on the same tables, in one interleaved run."""
