"""Second factors: seeds of codes, recovery codes and passkeys."""
