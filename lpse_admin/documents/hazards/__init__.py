"""What a document would do to its reader: fetch, run, or unfold beyond what it says."""
