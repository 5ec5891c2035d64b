"""Commands that verify what is stored, and what an installation lacks."""
