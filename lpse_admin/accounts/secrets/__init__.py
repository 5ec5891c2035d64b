"""Secrets of accounts: passwords, codes, tokens, and how they are kept."""
