"""Lists as CSV, XLSX, ODS, JSON and PDF."""
