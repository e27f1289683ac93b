"""This machine's media core: its settings and what its hardware is good for."""
