"""A lesson in progress: its rules, and the ways in.

protocol     messages, terms, refusals; what the pages' types and `docs/protocol.md` are made from
lesson       the rules, sans-IO: `lesson/rules.py` has the tables
log          the entries of a lesson's event log
client       the Python client of the protocol
lesson_clock a lesson's own time, which never jumps
runner       one lesson running: carries out what its rules say; driver: all lessons
websocket    the pages' way in; whip, http_session: encoders' and players'
ports        what signaling is handed: identities, plans, the media core, settings
"""
