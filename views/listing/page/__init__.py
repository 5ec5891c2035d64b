"""What a list's page shows: header, rows, cells, saved views."""
