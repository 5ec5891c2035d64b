"""An SOP tried against closed requests before it is enacted: which way they went, and what it makes of it."""
