"""The compositor's process: one lesson's program, made beside the server.

messages    what the server and it say to each other
"""
