"""Recordings seen from the server: what is tapped, the recorder that is told, the library."""
