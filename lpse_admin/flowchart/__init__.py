"""The flow chart of an SOP: what it holds, and where it is drawn."""
