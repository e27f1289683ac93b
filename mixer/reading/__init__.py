"""Reading a tap: its datagrams, put in order, become whole pictures and sounds.

The recorder and whoever else is fed by taps read so. Nothing is decoded here.
"""
