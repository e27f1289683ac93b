"""A camera's packets put together to whole pictures, for what must be decoded.

    pictures  packets in, whole coded pictures out; nothing that was damaged by a loss
    h265      H.265's payloads (RFC 7798)
    jpeg      JPEG's payloads, and the header they leave out (RFC 2435)

H.264's payloads are read by `mixer.rtp.h264`. Sans-IO: times are arguments.
"""
