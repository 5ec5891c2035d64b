"""The procedure in plain Python: no Flask, no SQL and no clock of its own."""
