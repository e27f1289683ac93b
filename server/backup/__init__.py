"""Backups: everything a server keeps, in one file, made while it runs, and put back.

`archive` is the file's form, `making` writes one, `restoring` puts it back, `cli` has the commands.
"""
