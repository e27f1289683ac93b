"""The application: settings, accounts, communities, timetable, library, assembly, command line.

A lesson in progress is `signaling`'s, media is `mixer`'s, archives are `recorder`'s. Only
`server.app` and the command line put the parts together; nobody imports `server`.
"""
