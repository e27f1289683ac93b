"""Reading a tap: its datagrams, put in order, become whole pictures and sounds.

The recorder and whoever else is fed by taps read so. What is not a tap's own is refused in one
place (`tap_packets`). Nothing is decoded here.
"""
