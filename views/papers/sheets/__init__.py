"""Printed sheets of the asset list: cards, room inventories, changes of a half-year."""
