"""Working time: calendar, office hours, holidays, and the timing of a step."""
