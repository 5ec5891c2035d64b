"""Upgrades from earlier versions."""
