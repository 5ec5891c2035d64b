"""Events that people are notified of, and the address of the mail server."""
