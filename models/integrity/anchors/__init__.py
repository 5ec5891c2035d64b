"""The anchors of each day: made, stamped with the time of somebody else, and sent out of the house."""
