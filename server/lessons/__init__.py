"""Lessons as they are planned and held: timetable, admission, tokens, ownership, the desk."""
