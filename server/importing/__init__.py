"""Many schools, classrooms, devices and people at once, from a table that was kept in a file."""
