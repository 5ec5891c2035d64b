"""The papers of an office: its letterhead and layouts, what was printed, and what came back signed."""
