"""The contents of the demo: texts, form values and files."""
