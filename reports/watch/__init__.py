"""The running grid in a terminal, from its folder alone."""
