"""What a room's pictures come from. Each kind of source is a package of its own."""
