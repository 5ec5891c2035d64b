"""The two programs that are compared, each served to a client of the benchmark."""
