"""Users, and one's own profile."""
