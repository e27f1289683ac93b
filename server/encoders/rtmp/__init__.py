"""RTMP, as far as an encoder that sends needs it (Adobe's specification 1.0, 2012). Sans-IO.

    bytes ──► session (handshake, commands) ──► chunks (messages) ──► FLV tags
                     └── amf (command values)

Hostile bytes raise `RtmpRefused` and nothing else.
"""
