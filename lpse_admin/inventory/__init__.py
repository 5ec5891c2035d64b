"""KIB cards and asset codes."""
