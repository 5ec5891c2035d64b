"""The screen and the command of the self-check."""
