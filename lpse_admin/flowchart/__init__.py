"""The flow chart of an SOP: its rows and arrows (``chart``) and their coordinates (``layout``)."""
