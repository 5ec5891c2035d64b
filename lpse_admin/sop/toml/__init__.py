"""Reading of TOML with the line of each value."""
