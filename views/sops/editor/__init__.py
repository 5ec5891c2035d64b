"""The editor of SOPs in the browser."""
