"""Screens of the steps: their forms, lists, working times and pages."""
