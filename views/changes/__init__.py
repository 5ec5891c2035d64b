"""Screens of requests and of their steps."""
