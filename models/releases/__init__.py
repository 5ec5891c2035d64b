"""Release planning: freezes, permits, overlaps, calendar and feed."""
