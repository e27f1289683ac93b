"""Measurements: each prints what it ran against, a table, and one last line of JSON."""
