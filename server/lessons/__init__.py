"""Lessons as they are planned and held: timetable, admission, tokens, the desk that opens them."""
