"""The papers that officials sign: which there are, what is on them, their numbers, and what can be printed."""
