"""An SOP tried against closed requests before it is enacted."""
