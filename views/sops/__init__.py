"""The screen of SOPs."""
