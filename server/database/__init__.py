"""What the application remembers: typed tables, sessions, migrations."""
