"""The benchmark: the program beside stock Flask-Admin over the same tables, in one interleaved run."""
