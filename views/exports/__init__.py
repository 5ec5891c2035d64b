"""Lists as CSV and XLSX."""
