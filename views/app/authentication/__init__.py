"""Logging in: passwords, second factors, passkeys, sessions, and the password that is asked for again."""
