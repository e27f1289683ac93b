"""Processes beside the server: started, watched, started again, stopped."""
