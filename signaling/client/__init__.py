"""The Python client of the lesson protocol: a device that joins, sends, receives and comes back.

    address          where the server is
    token_providers  how a device gets in: a join token, or a room's credential
    link             its WebSocket: requests with their answers, events
    peer             its media connections (aiortc), receiving the one that receives
    attendance       one joining of one lesson, from the welcome to whatever ends it
    sentences        what it tells of itself, in both languages
    device           the device's life: it waits, joins, loses its line, comes back

What a device sends, wants and does is its `Participant`'s (`attendance.py`); the simulator has one.
Knows the protocol and nothing of the server: who runs a client needs none of the rest of us.
"""
