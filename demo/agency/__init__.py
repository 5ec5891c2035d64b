"""The office of the demo while its register is made: people, hours, assets."""
