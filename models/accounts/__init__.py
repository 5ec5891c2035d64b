"""Users, logins and sessions."""
