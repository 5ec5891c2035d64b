"""Fields that an SOP asks for."""
