"""The rules of the procedure: transitions, record fields, deviations."""
