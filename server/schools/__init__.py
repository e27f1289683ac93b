"""Who takes part: schools, their classrooms and devices, and communities of schools."""
