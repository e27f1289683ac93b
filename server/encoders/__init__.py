"""Encoders of others that speak no WebRTC, as sources of their room's seat.

    RTMP ──► rtmp (key checked) ──► FFmpeg ──┐ RTP over RTSP       ┌──► SeatFeed ──► MediaNode.feed
    SRT  ──────────────────────────► FFmpeg ─┴─► EncodedStream ────┤   (a device of the room's seat
    RTSP camera ◄── room_agent.CameraFeed (asked while in lessons) ┘        in its live lesson)

| file | owns |
|---|---|
| `service.py` | which keys and cameras there are, and that each is in its room's live lesson |
| `rtmp/` | the protocol, sans-IO: bytes in, FLV out |
| `rtmp_door.py` | its listener: who may knock, how long, how often |
| `srt_door.py` | a listener (FFmpeg) for each SRT key, on a port of its own |
| `pulled_camera.py` | a camera on the server's network, asked while its room has a lesson |
| `ffmpeg.py`, `inlet.py` | one FFmpeg process, and where it sends what it has read |
| `encoded_stream.py` | what an encoder sends now |
| `encoded_picture.py`, `conversion.py` | its picture, converted where it must be |
| `shared_clock.py` | its picture and its sound on one clock |
| `seat_feed.py`, `feed_out.py` | one stream in one lesson: joined, fed, gone |
| `loudness.py` | how loud its sound is, by which a lesson sees who speaks |
| `keys.py`, `sealed.py` | what the database keeps of them |

A picture that browsers play is never decoded here; any other is, by a child of its own
(`room_agent.converting`).
"""
