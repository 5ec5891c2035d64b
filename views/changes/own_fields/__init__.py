"""Fields that an SOP asks for: their inputs in the forms of steps, and their columns and filters in lists."""
