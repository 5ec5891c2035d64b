"""Commands of agencies and users."""
