"""The timing of steps: measured, stored, and swept for deadlines."""
