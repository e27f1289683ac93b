"""Network cameras by RTSP (RFC 2326): a client without I/O, and the thin shell around it.

errors         what can go wrong with a camera, in both languages
address        rtsp://host:port/path, and what a camera says of its own addresses
wire           RTSP messages and interleaved frames out of a stream of bytes
authorization  answers to a camera's question who is asking (RFC 7616, RFC 7617)
description    what a camera says it sends (SDP, RFC 4566)
client         the conversation: from OPTIONS to the last packet
"""
