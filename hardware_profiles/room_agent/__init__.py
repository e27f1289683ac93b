"""The room agent: sends what a room's cameras see into its lessons, by itself.

    sources/     where pictures come from: `rtsp`, a network camera

Sans-IO below, time as an argument; what touches the network is thin and says so.
"""
