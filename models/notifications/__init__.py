"""Notifications and the mail outbox."""
