"""The self-check of a register: what is found, kept until it is put right."""
