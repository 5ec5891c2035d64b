"""Requests for change: the request, its history, and its transitions."""
