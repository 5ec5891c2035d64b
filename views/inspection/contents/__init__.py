"""What a dossier holds: registers, folders of requests, audit trail, event log, totals."""
