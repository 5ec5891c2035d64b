"""Browser and terminal: the screens, the refusals and the commands."""
