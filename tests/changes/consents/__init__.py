"""Consents that an SOP asks for, and posts that people are appointed to."""
