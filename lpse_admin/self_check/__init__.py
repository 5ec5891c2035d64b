"""What an office finds wrong with its register by itself, before an inspector does."""
