"""A camera's H.264, packet by packet, as a browser can take it: not decoded, not put together.

    pieces   payloads that fit a packet on the way to the server (RFC 6184 §5.8)
    sender   whose packets are taken, and how many are missing
    fitness  what of H.264 browsers do not play
    clock    the camera's timestamps as times of ours
    group    the last group of pictures, kept for who comes in its middle
    path     the whole: a camera's packets in, packets to send out

Sans-IO: times are arguments.
"""
