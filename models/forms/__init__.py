"""What is kept of a form while it is filled in and sent."""
