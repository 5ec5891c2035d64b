"""SOP revisions in the database."""
